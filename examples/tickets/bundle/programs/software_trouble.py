"""Technical: the app or the site crashes, freezes, shows an error, does not load."""

import re

SYMPTOM = re.compile(
    r"\b(crash(es|ed)?|error \d+|freezes?|timeout|blank|stays white|(does not|do not|keeps?) load(ing)?|broken:|bug|"
    r"nothing happens|does not work|nothing works|cache|browsers?|screenshot|slow)\b",
    re.IGNORECASE,
)
PLACE = re.compile(r"\b(app|website|site|page|checkout|search|button|update|version|filters|scanner)\b", re.IGNORECASE)


def label(subject, body):
    text = f"{subject} {body}"
    if SYMPTOM.search(text) and (PLACE.search(text) or "click" in text.lower()):
        return "technical"
    return None
