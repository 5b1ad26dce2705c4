# expect: load, AS203
class label:
    def __init__(self, text):
        pass
