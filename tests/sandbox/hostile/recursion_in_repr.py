# expect: STACK
def label(text):
    nested = []
    for _ in range(10_000):
        nested = [nested]
    return repr(nested)
