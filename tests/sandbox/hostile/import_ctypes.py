# expect: RAISED, AS210
def label(text):
    from ctypes import string_at

    return string_at(0)
