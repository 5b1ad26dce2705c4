"""What can be counted in the records and matters to whoever writes programs for them: length, cuts, markup, script."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from labelwright.core.record import Record
from labelwright.core.task import Task
from labelwright.synthesis.asking.record_text import joined_texts
from labelwright.synthesis.text.scripts import puts_no_spaces, scripts

_MOST_RECORDS = 2000
_WORTH_SAYING = 0.02
"""Share of records from which on a property is told: rarer ones would cost more room than they help."""
_MARKUP = re.compile(r"<[a-zA-Z/][^<>]{0,80}>|&[a-z]{2,6};|&#\d+;")
_ADDRESS = re.compile(r"https?://|www\.")
_CUT_OFF = re.compile(r"(\.\.\.|…)\s*$")
_UNCASED = frozenset(
    ("Han", "Hiragana", "Katakana", "Thai", "Lao", "Khmer", "Myanmar", "Hangul", "Arabic", "Hebrew", "Devanagari")
)


def record_facts(task: Task, records: Sequence[Record]) -> list[str]:
    """Return sentences about the records' texts, the same for the same records; empty where they have none."""
    texts = [text for record in records[:_MOST_RECORDS] if (text := joined_texts(task, record)).strip()]
    if not texts:
        return []
    low, middle, high = (round(value) for value in np.percentile([len(text) for text in texts], [5, 50, 95]))
    facts = [f"Length: {middle:,} characters in the median, most between {low:,} and {high:,}."]
    for share, fact in (
        (_share(texts, _CUT_OFF), "end with an ellipsis: they may be cut off"),
        (_share(texts, _MARKUP), "hold HTML tags or entities"),
        (_share(texts, _ADDRESS), "hold web addresses"),
        (sum("\n" in text for text in texts) / len(texts), "have several lines"),
        (sum(map(_has_full_width, texts)) / len(texts), "hold full-width letters or digits: NFKC makes them ordinary"),
        (1 - len(set(texts)) / len(texts), "repeat an earlier one word for word"),
    ):
        if share >= _WORTH_SAYING:
            facts.append(f"{share:.0%} {fact}.")
    return facts + _script_facts(texts)


def _script_facts(texts: Sequence[str]) -> list[str]:
    shares = scripts(texts)
    facts = []
    if shares and list(shares) != ["Latin"]:
        facts.append(f"Letters: {', '.join(f'{name} {share:.0%}' for name, share in shares.items())}.")
    if puts_no_spaces(texts):
        facts.append(
            "The script puts no spaces between words: split() and \\b find none. Look for substrings, longer ones "
            "first, and mind those that stand inside other words."
        )
    elif any(not text.isascii() and any(map(str.isalpha, filter(_is_accented, text))) for text in texts[:200]):
        facts.append("Words hold accented letters: [a-z] cuts them; \\w and str.casefold() do not.")
    letters = [character for text in texts for character in text[:400] if character.isalpha()]
    if letters and not any(map(str.isupper, letters)) and not _UNCASED & set(shares):
        facts.append("Everything is in small letters.")
    return facts


def _is_accented(character: str) -> bool:
    return not character.isascii()


def _share(texts: Sequence[str], pattern: re.Pattern[str]) -> float:
    return sum(bool(pattern.search(text)) for text in texts) / len(texts)


def _has_full_width(text: str) -> bool:
    return any("\uff01" <= character <= "\uff5e" for character in text)
