# expect: load, AS204
def label(text, sender):
    return "spam"
