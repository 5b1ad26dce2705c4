# expect: RAISED, AS212
def label(text):
    return open("/etc/passwd").read()
