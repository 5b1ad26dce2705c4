# expect: load, AS240
while True:
    pass


def label(text):
    return "spam"
