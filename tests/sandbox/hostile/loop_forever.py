# expect: TIMEOUT
def label(text):
    while True:
        pass
