"""A short message in plain words, with no link, no amount, no long number and few capitals, is mostly from a friend."""

import re

COMMERCIAL = re.compile(
    r"https?:|www\.|\.(com|info|top|xyz)\b|\d{4,}|[£$€%]|\b(free|win|won|offer|prize|claim|urgent|customer)\b",
    re.IGNORECASE,
)


def label(text):
    if len(text) > 120 or COMMERCIAL.search(text):
        return None
    return "ham"
