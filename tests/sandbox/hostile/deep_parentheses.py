# expect: load, AS201
X = 1


def label(text):
    return "spam"
