# expect: load, AS211
def label(text):
    return __import__("os").name
