# expect: load, AS203
def label(text):
    yield "spam"
