# expect: INVALID_RESULT
def label(text):
    return "spam" * 2_000_000
