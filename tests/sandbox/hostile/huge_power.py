# expect: TIMEOUT
def label(text):
    return "spam" if 7 ** (10**7) % 10 == 3 else "ham"
