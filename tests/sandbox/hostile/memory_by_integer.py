# expect: MEMORY
def label(text):
    return "spam" if 1 << 2_000_000_000 else "ham"
