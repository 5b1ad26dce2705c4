# expect: TIMEOUT
def label(text):
    return str(sum(range(2**31 - 1)))
