# expect: TIMEOUT
import re


def label(text):
    return "spam" if re.search(r"\s+$", " " * 100_000 + "x") else "ham"
