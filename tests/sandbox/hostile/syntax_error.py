# expect: load, AS201
def label(text)
    return "spam"
