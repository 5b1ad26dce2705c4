# expect: RAISED
def label(text):
    raise KeyboardInterrupt
