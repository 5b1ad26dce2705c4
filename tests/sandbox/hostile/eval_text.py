# expect: RAISED, AS212
def label(text):
    return eval("'spam'")
