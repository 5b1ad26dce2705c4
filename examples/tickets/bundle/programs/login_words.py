"""Account: passwords, log-in, locked accounts, codes, personal data, the newsletter."""

import re

ACCOUNT = re.compile(
    r"\b(password|log ?in|logged in|locked|(my|two|delete my) accounts?|verification codes?|two factor|e-?mail address|"
    r"personal data|gdpr|newsletter|unsubscrib\w+|change my name|profile|reset)\b",
    re.IGNORECASE,
)


def label(subject, body):
    return "account" if ACCOUNT.search(f"{subject} {body}") else None
