"""Billing: charges, invoices, cards, vouchers, VAT, receipts."""

import re

BILLING = re.compile(
    r"\b(charged?|charges|invoices?|vat|card (was|is)|declined|paypal|voucher|discount|instalments?|bank transfer|"
    r"receipt|payment|credit card|subscription|paid|bill|accountant)\b",
    re.IGNORECASE,
)


def label(subject, body):
    found = {match.group().lower() for match in BILLING.finditer(f"{subject} {body}")}
    return "billing" if len(found) >= 2 else None
