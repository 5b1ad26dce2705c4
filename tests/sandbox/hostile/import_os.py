# expect: RAISED, AS210
def label(text):
    import os

    os._exit(1)
