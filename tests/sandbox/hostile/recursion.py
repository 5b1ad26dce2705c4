# expect: STACK
def label(text):
    return label(text)
