# expect: TIMEOUT
class Endless:
    def __del__(self):
        while True:
            pass


def label(text):
    Endless()
    return "spam"
