# expect: spam
def label(text):
    for _ in range(100):
        print("x" * 10_000)
    return "spam"
