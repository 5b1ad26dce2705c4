# expect: RAISED, AS211
import operator


def label(text):
    return operator.attrgetter("__class__.__mro__")(text)
