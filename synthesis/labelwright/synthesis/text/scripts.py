"""Which scripts texts are written in, and what follows for finding words in them."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from itertools import islice

from labelwright.synthesis.text.words import UNSPACED

_WORTH_SAYING = 0.02
"""Share of the letters from which on a script is named."""
_A_NAME = 0.01
"""Share of other letters that names alone may bring into English texts; German and Italian have twice as many."""
_READ = 400
"""Characters of a text that are looked at: a script shows early."""
_MOST_TEXTS = 2000
_SCRIPTS = {
    "LATIN": "Latin",
    "CJK": "Han",
    "HIRAGANA": "Hiragana",
    "KATAKANA": "Katakana",
    "HANGUL": "Hangul",
    "CYRILLIC": "Cyrillic",
    "GREEK": "Greek",
    "ARABIC": "Arabic",
    "HEBREW": "Hebrew",
    "DEVANAGARI": "Devanagari",
    "THAI": "Thai",
    "LAO": "Lao",
    "KHMER": "Khmer",
    "MYANMAR": "Myanmar",
}
_UNSPACED = re.compile(f"[{UNSPACED}]")


def scripts(texts: Iterable[str]) -> dict[str, float]:
    """Return the shares of the letters by script, the commonest first; scripts below 2% are left out."""
    counts = Counter(_script(letter) for letter in _letters(texts))
    total = max(1, counts.total())
    return {name: count / total for name, count in counts.most_common() if count / total >= _WORTH_SAYING}


def puts_no_spaces(texts: Iterable[str]) -> bool:
    """Whether most letters are of scripts that put no spaces between words."""
    letters = _letters(texts)
    return 2 * sum(bool(_UNSPACED.match(letter)) for letter in letters) > len(letters)


def has_other_letters(texts: Iterable[str]) -> bool:
    """Whether more than a name here and there is written in letters that [a-z] leaves out."""
    letters = _letters(texts)
    return sum(not letter.isascii() for letter in letters) > _A_NAME * len(letters)


def has_marks(texts: Iterable[str]) -> bool:
    """Whether letters carry marks that stay characters of their own, as in Hindi: ``re`` takes them for no letters."""
    read = unicodedata.normalize("NFC", "".join(text[:_READ] for text in islice(texts, _MOST_TEXTS)))
    marks = sum(unicodedata.category(sign) in ("Mn", "Mc") for sign in read if not sign.isascii())
    return marks > _A_NAME * len(read)


def _letters(texts: Iterable[str]) -> list[str]:
    return [letter for text in islice(texts, _MOST_TEXTS) for letter in text[:_READ] if letter.isalpha()]


def _script(letter: str) -> str:
    first = unicodedata.name(letter, "?").split(" ")[0].split("-")[0]
    return _SCRIPTS.get(first, "other")
