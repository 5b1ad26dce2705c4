"""Phishing: a bank, a parcel service or a subscription that wants you to verify or pay at once."""

import re

SENDER = re.compile(
    r"\b(account|bank|card|parcel|customs|subscription|payment|tax refund|phone has \d+ virus(es)?|login)\b",
    re.IGNORECASE,
)
PRESSURE = re.compile(
    r"\b(verify|suspended|blocked|unlock|immediately|expires|could not be delivered|pay the|submit your|update your|"
    r"clean it now|within \d+ ?h)",
    re.IGNORECASE,
)


def label(text):
    return "spam" if SENDER.search(text) and PRESSURE.search(text) else None
