"""Spam that promises something for nothing: a prize, a voucher, a draw, a free gift."""

import re

PROMISE = re.compile(
    r"\b(you have won|you've won|winner|congratulations|selected for|(been )?chosen|claim|prize|gift card|voucher|"
    r"free (entry|spins|airtime|this week)|weekly draw|cash|bonus)\b",
    re.IGNORECASE,
)
CALL_TO_ACTION = re.compile(r"\b(claim|call|reply|te?xt|click|complete|apply|join)\b", re.IGNORECASE)


def label(text):
    if PROMISE.search(text) and CALL_TO_ACTION.search(text):
        return "spam"
    return None
