# expect: INVALID_RESULT, AS220
def label(text):
    return 1
