# expect: MEMORY
def label(text):
    kept = []
    while True:
        try:
            kept.append(bytearray(1_000_000))
        except MemoryError:
            pass
