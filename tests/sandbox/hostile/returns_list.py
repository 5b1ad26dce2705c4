# expect: INVALID_RESULT
def label(text):
    return ["spam"]
