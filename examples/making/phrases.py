"""Turns templates into messages that look typed by people: filled slots, slang, slips of the finger."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence

Slots = Mapping[str, Sequence[str]]

_SLOT = re.compile(r"\{(\w+)\}")
_SLANG = {
    "you": "u",
    "your": "ur",
    "are": "r",
    "to": "2",
    "for": "4",
    "please": "pls",
    "tomorrow": "tmrw",
    "tonight": "tonite",
    "thanks": "thx",
    "because": "cos",
    "message": "msg",
    "great": "gr8",
    "people": "ppl",
}


def fill(rng: random.Random, template: str, slots: Slots) -> str:
    """Replace each ``{slot}`` by one of its phrases, which may hold slots of their own. ``{d3}`` is three digits."""

    def choose(found: re.Match[str]) -> str:
        name = found[1]
        if re.fullmatch(r"d\d+", name):
            return "".join(rng.choice("0123456789") for _ in range(int(name[1:])))
        return fill(rng, rng.choice(slots[name]), slots)

    return _SLOT.sub(choose, template)


def roughen(rng: random.Random, text: str, *, slang: float, typo: float) -> str:
    """Rewrite each word with chance ``slang`` as slang and ``typo`` with two letters swapped; sometimes lower case."""
    words = [_rough_word(rng, word, slang, typo) for word in text.split(" ")]
    rough = " ".join(words)
    if rng.random() < slang:
        rough = rough.lower()
    if rng.random() < slang:
        rough = rough.rstrip(".")
    return rough


def _rough_word(rng: random.Random, word: str, slang: float, typo: float) -> str:
    short = _SLANG.get(word.lower())
    if short and rng.random() < slang * 2:
        return short
    if len(word) > 4 and word.isalpha() and rng.random() < typo:
        at = rng.randrange(1, len(word) - 2)
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return word
