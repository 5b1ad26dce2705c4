# expect: spam
class Loud:
    def __del__(self):
        raise ValueError("from the grave")


def label(text):
    Loud()
    return "spam"
