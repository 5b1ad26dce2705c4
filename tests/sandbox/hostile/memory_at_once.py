# expect: MEMORY
def label(text):
    return "spam" if bytearray(1_500_000_000) else "ham"
