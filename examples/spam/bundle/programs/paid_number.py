"""Asks to call or text a premium number or a short code, or has the small print of a paid service."""

import re

PREMIUM = re.compile(r"\b(0906|0871|09\d\d)\d{5,}\b|\b[68]\d{4}\b")
SMALL_PRINT = re.compile(r"t&cs|std rates|stop (to|2) (opt out|end)|£\d\.\d\d/msg|\b18\+", re.IGNORECASE)
ASKS = re.compile(r"\b(call|te?xt|txt|reply|send|find out)\b", re.IGNORECASE)


def label(text):
    if SMALL_PRINT.search(text):
        return "spam"
    if PREMIUM.search(text) and ASKS.search(text):
        return "spam"
    return None
