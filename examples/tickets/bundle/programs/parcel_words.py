"""Shipping: where a parcel is, tracking, couriers, customs, delivery addresses and times."""

import re

PARCEL = re.compile(
    r"\b(parcel|tracking|courier|deliver(y|ed)?|customs|package|depot|arrived|express|street|where is (it|my order)|"
    r"was due|not here|neighbours|(will the )?rest be sent|hold the)\b",
    re.IGNORECASE,
)
GOODS_PROBLEM = re.compile(r"\b(broken|refund|return|exchange|replacement)\b", re.IGNORECASE)


def label(subject, body):
    text = f"{subject} {body}"
    return "shipping" if PARCEL.search(text) and not GOODS_PROBLEM.search(text) else None
