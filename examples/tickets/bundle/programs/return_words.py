"""Returns: send back, exchange, refund, wrong size or colour, damaged goods, warranty."""

import re

BACK = re.compile(
    r"\b(send back|give it back|return(ed)?|return label|refund|exchange|replacement|money back|swap|"
    r"wrong (size|colour)|too small|too large|does not fit|arrived broken|torn|damaged|warranty|changed my mind|"
    r"stopped working)\b",
    re.IGNORECASE,
)


def label(subject, body):
    return "returns" if BACK.search(f"{subject} {body}") else None
