# expect: MEMORY/CRASHED/RAISED
def label(text):
    text = "x" * 1000 + text
    while True:
        text += text
