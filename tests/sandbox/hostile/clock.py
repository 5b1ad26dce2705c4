# expect: CRASHED, AS214
from datetime import datetime


def label(text):
    return "spam" if datetime.now().year > 2000 else "ham"
