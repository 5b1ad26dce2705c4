# expect: load
TABLE = ["x" * 1_000_000 for _ in range(10_000)]


def label(text):
    return "spam"
