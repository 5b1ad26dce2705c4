# expect: load, AS204
def label(*fields):
    return "spam"
