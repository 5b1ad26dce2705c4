# expect: STACK
def label(text):
    items = iter([1, 2, 3])
    for _ in range(100_000):
        items = map(abs, items)
    return str(next(items))
