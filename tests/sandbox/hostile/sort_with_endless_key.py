# expect: TIMEOUT
def key(item):
    while True:
        pass


def label(text):
    return sorted(text + "xy", key=key)[0]
