# expect: RAISED
def label(text):
    raise ValueError("\ud800 " + text)
