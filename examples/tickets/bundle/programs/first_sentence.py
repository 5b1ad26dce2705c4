"""The first sentence after the greeting: count each queue's words there and let a clear winner have it."""

import re

GREETING = re.compile(
    r"^(hi( there)?|hello( team)?|dear \w+|good morning|hey|sehr geehrte[^,]*|to whom[^,]*)\W*", re.IGNORECASE
)
WORDS = {
    "billing": {"charged", "charge", "invoice", "card", "voucher", "pay", "paid", "price", "receipt"},
    "technical": {"crashes", "error", "loading", "page", "app", "website", "broken", "timeout", "freezes", "update"},
    "account": {"password", "account", "email", "codes", "logged", "newsletter", "name"},
    "shipping": {"arrived", "tracking", "address", "parcel", "deliver", "courier", "express", "delivered"},
    "returns": {"back", "refund", "exchange", "replacement", "return", "returned", "small", "warranty", "fit"},
}


def label(body):
    sentence = re.split(r"[.?!]\s", GREETING.sub("", body), maxsplit=1)[0]
    words = set(re.findall(r"\w+", sentence.lower()))
    ranked = sorted(((len(words & known), queue) for queue, known in WORDS.items()), reverse=True)
    (best, queue), (second, _) = ranked[0], ranked[1]
    return queue if best > second else None
