# expect: RAISED, AS214
def label(text):
    from random import choice

    return choice(["spam", "ham"])
