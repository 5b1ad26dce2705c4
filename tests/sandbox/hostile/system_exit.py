# expect: RAISED
def label(text):
    raise SystemExit(0)
