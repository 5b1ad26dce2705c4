# expect: TIMEOUT
import difflib


def label(text):
    ratio = difflib.SequenceMatcher(None, "ab" * 5000, "ba" * 5000, autojunk=False).ratio()
    return "spam" if ratio > 0.5 else "ham"
