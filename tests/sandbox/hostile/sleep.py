# expect: RAISED, AS214
def label(text):
    import time

    time.sleep(3600)
