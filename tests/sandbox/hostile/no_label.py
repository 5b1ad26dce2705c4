# expect: load, AS202
def classify(text):
    return "spam"
