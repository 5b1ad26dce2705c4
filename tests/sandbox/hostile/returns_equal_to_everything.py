# expect: INVALID_RESULT
class Chameleon:
    def __eq__(self, other):
        return True

    def __hash__(self):
        return hash("spam")


def label(text):
    return Chameleon()
