# expect: RAISED, AS212
def label(text):
    exec("import os")
    return "spam"
