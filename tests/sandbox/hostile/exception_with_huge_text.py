# expect: RAISED
def label(text):
    raise ValueError("x" * 10_000_000)
