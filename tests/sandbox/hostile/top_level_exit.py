# expect: load, AS240
raise SystemExit(1)


def label(text):
    return "spam"
