"""What the subject line alone says, where it says anything. A call has none."""

QUEUES = (
    ("returns", ("return", "refund", "exchange", "wrong size", "broken on", "damaged", "money back")),
    ("billing", ("charged", "invoice", "payment", "vat", "amount", "discount", "declined", "bill")),
    ("account", ("log in", "password", "account", "two factor", "locked", "email", "my name", "gdpr", "profile")),
    ("shipping", ("where is", "parcel", "tracking", "deliver", "late again", "courier")),
    (
        "technical",
        ("crash", "error", "load", "bug", "broken", "upload", "nothing works", "screen", "slow", "problem with"),
    ),
)


def label(subject):
    line = subject.lower()
    for queue, marks in QUEUES:
        if any(mark in line for mark in marks):
            return queue
    return None
