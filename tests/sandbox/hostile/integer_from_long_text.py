# expect: RAISED
def label(text):
    return str(int("9" * 100_000))
