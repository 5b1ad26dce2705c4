"""How people write to people they know: meeting, family, food, jokes; first person, no link and no long number."""

import re

FAMILIAR = re.compile(
    r"\b(are (you|u) (still|free|coming)|running late|see (you|u)|mum|(good|gud) night|birthday|dinner|"
    r"lol|haha|ya|mate|where (are|r) (you|u)|where are you guys|pick up|bring|got home|says hello|don.?t forget|"
    r"thanks for|thx (for|4)|i left|i.?ll call|let me know|coming|wait for me|my battery|at home|celebrate|exams?|"
    r"meeting|train|bus|weather|film|cook|drinks|appointment|confirmed|flat|trip|receipts|lovely to see)\b",
    re.IGNORECASE,
)
BUSINESS = re.compile(r"https?:|www\.|tinyurl|\d{5,}|[£$€]\d", re.IGNORECASE)


def label(text):
    if BUSINESS.search(text):
        return None
    return "ham" if FAMILIAR.search(text) else None
