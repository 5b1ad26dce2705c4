"""Offers of money or goods that nobody asked for: loans, jobs from home, trading, casinos, pills, dating, discounts."""

import re

OFFER = re.compile(
    r"\b(loan|no credit check|from home|no experience|profits?|bitcoin|trading group|casino|deposit|v1agra|pills|"
    r"singles|chat|lonely|ringtones?|\d+% off|flexible hours|part time|recruiter|warranty|tax refund|"
    r"fancies (you|u))\b",
    re.IGNORECASE,
)
AMOUNT = re.compile(r"[£$€]\s?\d|\b(usd|eur|gbp)\s?\d", re.IGNORECASE)


def label(text):
    words = {found.group().lower() for found in OFFER.finditer(text)}
    if len(words) >= 2 or (words and AMOUNT.search(text)):
        return "spam"
    return "spam" if words and "http" in text.lower() else None
