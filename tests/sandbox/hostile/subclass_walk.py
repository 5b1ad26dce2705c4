# expect: load, AS211
def label(text):
    for kind in ().__class__.__base__.__subclasses__():
        if kind.__name__ == "_wrap_close":
            kind.__init__.__globals__["_exit"](1)
    return "spam"
