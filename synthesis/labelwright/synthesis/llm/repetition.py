"""Notices that an LLM repeats itself, early enough to stop paying for it."""

from __future__ import annotations

import re

# Four times and 72 characters: less is ordinary in a program, more is paid for before it is noticed.
_MIN_TIMES = 4
_MIN_REPEATED = 72
_TAIL = 480
"""Characters looked at: four times the longest piece that is noticed, 120."""
_QUOTED = re.compile(r"""(["'])(.{1,80}?)\1""")
# Of the last 24 quoted strings, a list that goes on has as many different ones, and one that is lost a handful. Nine
# lets a table pass that gives the same few labels to many words.
_WINDOW = 24
_MIN_DISTINCT = 9


def repeats_itself(text: str) -> bool:
    """Whether the text's end says the same thing again and again.

    Either one piece of up to 120 characters stands there at least four times in a row, or the last 24 quoted strings
    are mostly the same few: small models fill word lists so, in an order that is not strictly periodic.
    """
    return _is_periodic(text[-_TAIL:]) or _lists_the_same(text[-2 * _TAIL :])


def _is_periodic(tail: str) -> bool:
    for period in range(1, _TAIL // _MIN_TIMES + 1):
        length = max(period * _MIN_TIMES, _MIN_REPEATED)
        if length > len(tail):
            break
        end = tail[-length:]
        if end[period:] == end[:-period] and not end.isspace():
            return True
    return False


def _lists_the_same(tail: str) -> bool:
    quoted = [match[2] for match in _QUOTED.finditer(tail)][-_WINDOW:]
    return len(quoted) == _WINDOW and len(set(quoted)) < _MIN_DISTINCT
