# expect: RAISED, AS211
def label(text):
    return getattr(text, "__class__").__name__
