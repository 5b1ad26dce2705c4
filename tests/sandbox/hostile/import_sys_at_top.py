# expect: load, AS210
import sys


def label(text):
    return "spam" if sys.modules.clear() else "ham"
