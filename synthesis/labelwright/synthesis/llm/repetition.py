"""Notices that an LLM repeats itself, early enough to stop paying for it."""

from __future__ import annotations

import re

# Four times and 72 characters: less is ordinary in a program, more is paid for before it is noticed.
_MIN_TIMES = 4
_MIN_REPEATED = 72
_TAIL = 480
"""Characters looked at: four times the longest piece that is noticed, 120."""
# Of the last 24 quoted strings, a list that goes on has as many different ones, and one that is lost a handful. Nine
# lets a table pass that gives the same few labels to many words. Without quotes, code has up to six names to a line and
# one new word, so 48 words are looked at.
_STRINGS = 24
_WORDS = 48
_MIN_DISTINCT = 9
# What parts words in any script, whether it writes spaces or not.
_BETWEEN_WORDS = re.compile(
    r"[\s!-/:-@\[-^`{-~\u060c\u061b\u061f\u0964\u104a\u104b\u17d4\u17d5"
    r"\u3000-\u303f\u30fb\uff01-\uff0f\uff1a-\uff20\uff61-\uff65]+"
)
_ORDINAL = re.compile(r"^\s*\d+[.)]\s", re.MULTILINE)
_SAYS_LITTLE = frozenset({"true", "false", "none", "null"})
"""Words that a table of values repeats, as it does numbers."""


def repeats_itself(text: str) -> bool:
    """Whether the text's end says the same thing again and again.

    Either one piece of up to 120 characters stands there at least four times in a row, or the last 24 quoted strings
    or the last 48 words are mostly the same few: small models fill lists so, in an order that is not strictly periodic.
    """
    tail = text[-2 * _TAIL :]
    return _is_periodic(tail[-_TAIL:]) or _lists_the_same(tail) or _says_the_same(tail)


def _is_periodic(tail: str) -> bool:
    for period in range(1, _TAIL // _MIN_TIMES + 1):
        length = max(period * _MIN_TIMES, _MIN_REPEATED)
        if length > len(tail):
            break
        end = tail[-length:]
        # A ruler and empty lines are ordinary where they end.
        if end[period:] == end[:-period] and (any(map(str.isalnum, end[:period])) or _is_one_mark(tail)):
            return True
    return False


def _is_one_mark(tail: str) -> bool:
    return len(tail) == _TAIL and len(set(tail)) <= 2


def _lists_the_same(tail: str) -> bool:
    """Whether the quoted strings do, and what stands between them.

    Where the tail begins within a string, what looks quoted is what stands between the strings; so both must repeat.
    """
    mark = max("\"'", key=tail.count)
    parts = tail.split(mark)[1:-1]
    return all(_are_few(parts[first::2], _STRINGS) for first in (0, 1))


def _says_the_same(tail: str) -> bool:
    """Whether the words do. Numbers count as different: a table is not lost because its numbers repeat."""
    words = [word for word in _BETWEEN_WORDS.split(_ORDINAL.sub("\n", tail.lower()))[1:-1] if word]
    return _are_few(
        [f"{place}" if word in _SAYS_LITTLE or word[0].isdigit() else word for place, word in enumerate(words)], _WORDS
    )


def _are_few(parts: list[str], window: int) -> bool:
    return len(parts) >= window and len(set(parts[-window:])) < _MIN_DISTINCT
