# expect: TIMEOUT, AS251
import re


def label(text):
    return "spam" if re.match(r"(a+)+$", "a" * 40 + "b" + text) else "ham"
