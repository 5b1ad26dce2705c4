"""Links as spammers use them: shorteners, odd endings such as .top or .xyz, long numbers in the address."""

import re

LINK = re.compile(r"(https?://|www\.)\S+|\b(bit\.ly|tinyurl\.com|wa\.me)/\S+", re.IGNORECASE)
SHADY = ("bit.ly", "tinyurl", "wa.me", ".top", ".xyz", ".info", "claim", "verify", "secure-")
TRUSTED_ENDINGS = (".org", ".edu", ".gov", ".ac.uk")


def label(text):
    found = LINK.search(text)
    if not found:
        return None
    address = found.group().lower()
    if any(mark in address for mark in SHADY):
        return "spam"
    host = address.removeprefix("https://").removeprefix("http://").split("/")[0]
    return "ham" if host.endswith(TRUSTED_ENDINGS) else None
