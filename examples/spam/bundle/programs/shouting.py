"""Adverts shout: several words in capitals together with exclamation marks, or a word such as URGENT in front."""

import re

ALARM = re.compile(
    r"^\W*(urgent|final notice|act now|last chance|attention|important|hurry|today only)\b", re.IGNORECASE
)


def label(text):
    if ALARM.search(text):
        return "spam"
    words = re.findall(r"[^\W\d_]{3,}", text)
    loud = [word for word in words if word.isupper()]
    if 2 <= len(loud) < len(words) * 0.6 and "!" in text:
        return "spam"
    return None
