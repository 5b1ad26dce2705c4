# expect: load, AS211
def label(text):
    match text:
        case str(__class__=kind):
            return kind.mro()
