# expect: RAISED, AS210
def label(text):
    import threading

    threading.Thread(target=print).start()
