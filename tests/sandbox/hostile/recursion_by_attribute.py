# expect: STACK
class Mirror:
    def __getattr__(self, name):
        return getattr(self, name + "x")


def label(text):
    return Mirror().label
