# expect: MEMORY, AS232
KEPT = []


def label(text):
    global KEPT
    while True:
        KEPT.append(bytearray(10_000_000))
