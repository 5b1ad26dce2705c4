r"""Whether a regular expression can take far too long, read off its syntax tree.

A backtracking matcher tries every way to split a text among repetitions. Two shapes make that explode:

- exponential: a repetition whose body can be matched in more than one way by the same characters, such as
  ``(a+)+``, ``(\w+\s*)*`` or ``(a|a)*``;
- quadratic: two unbounded repetitions of overlapping characters side by side, such as ``.*.*``.

The check looks at sets of characters only, so it can be wrong either way; it is advice.
"""

from __future__ import annotations

import enum
import importlib
import re
from collections.abc import Iterator, Sequence
from typing import Any

Item = tuple[Any, Any]
Chars = frozenset[int]

_BEYOND = 256
"""Stands for all characters above Latin-1."""
_ALL: Chars = frozenset(range(_BEYOND + 1))
_MANY = 12
"""Repetitions from this number on count as unbounded."""

_parser: Any = importlib.import_module("re._parser")
_op: Any = importlib.import_module("re._constants")
_REPEATS = (_op.MAX_REPEAT, _op.MIN_REPEAT)
_SINGLE = (_op.LITERAL, _op.NOT_LITERAL, _op.ANY, _op.IN)


class Blowup(enum.Enum):
    """How a pattern's time grows with the text, in the worst case."""

    EXPONENTIAL = "exponential"
    POLYNOMIAL = "polynomial"


def find_blowup(pattern: str, flags: int = 0) -> Blowup | None:
    """Return how ``pattern`` blows up, or None. Raises re.error where it is not a pattern."""
    sequences = list(_sequences(list(_parser.parse(pattern, flags))))
    if any(_is_exponential(item) for sequence in sequences for item in sequence):
        return Blowup.EXPONENTIAL
    return Blowup.POLYNOMIAL if any(_is_quadratic(sequence) for sequence in sequences) else None


def _sequences(items: list[Item]) -> Iterator[list[Item]]:
    """Yield each sequence of items in the tree, but not possessive and atomic parts: these never backtrack."""
    yield items
    for item in items:
        for inner in _children(item):
            yield from _sequences(inner)


def _children(item: Item) -> list[list[Item]]:
    operator, argument = item
    if operator in _REPEATS:
        return [list(argument[2])]
    if operator is _op.SUBPATTERN:
        return [list(argument[3])]
    if operator is _op.BRANCH:
        return [list(branch) for branch in argument[1]]
    if operator in (_op.ASSERT, _op.ASSERT_NOT):
        return [list(argument[1])]
    return []


def _is_unbounded(item: Item) -> bool:
    return item[0] in _REPEATS and item[1][1] >= _MANY


def _is_exponential(item: Item) -> bool:
    if not _is_unbounded(item):
        return False
    body = _flatten(list(item[1][2]))
    return any(_is_ambiguous_part(body, place) for place in range(len(body)))


def _flatten(items: Sequence[Item]) -> list[Item]:
    """Return the sequence with its groups opened."""
    flat: list[Item] = []
    for item in items:
        flat += _flatten(list(item[1][3])) if item[0] is _op.SUBPATTERN else [item]
    return flat


def _is_ambiguous_part(body: list[Item], place: int) -> bool:
    item = body[place]
    if item[0] is _op.BRANCH:
        branches = [_flatten(list(branch)) for branch in item[1][1]]
        if any(_same(branches[i], branches[j]) for i in range(len(branches)) for j in range(i)):
            return True
        return any(
            _is_ambiguous_part([*body[:place], *branch, *body[place + 1 :]], place + offset)
            for branch in branches
            for offset in range(len(branch))
            if _is_unbounded(branch[offset])
        )
    if not _is_unbounded(item):
        return False
    # If the rest of the body can match nothing, an iteration can end anywhere within ``item``.
    inner = _chars([item])
    return all(_nullable(other) or inner & _chars([other]) for other in (*body[:place], *body[place + 1 :]))


def _same(one: list[Item], other: list[Item]) -> bool:
    """Whether two alternatives can match the same text, as far as single characters tell."""
    if len(one) != len(other):
        return False
    if any(item[0] not in _SINGLE for item in (*one, *other)):
        return False
    return all(_chars([left]) & _chars([right]) for left, right in zip(one, other, strict=True))


def _is_quadratic(sequence: list[Item]) -> bool:
    flat = _flatten(sequence)
    for place, item in enumerate(flat):
        if not _repeats_characters(item):
            continue
        for other in flat[place + 1 :]:
            if _repeats_characters(other) and _chars([item]) & _chars([other]):
                return True
            if not _nullable(other) or other[0] is _op.AT:
                break
    return False


def _repeats_characters(item: Item) -> bool:
    if not _is_unbounded(item):
        return False
    body = _flatten(list(item[1][2]))
    return len(body) == 1 and body[0][0] in _SINGLE


def _nullable(item: Item) -> bool:
    operator, argument = item
    if operator in (*_REPEATS, _op.POSSESSIVE_REPEAT):
        return bool(argument[0] == 0) or all(_nullable(inner) for inner in argument[2])
    if operator is _op.SUBPATTERN:
        return all(_nullable(inner) for inner in argument[3])
    if operator is _op.ATOMIC_GROUP:
        return all(_nullable(inner) for inner in argument)
    if operator is _op.BRANCH:
        return any(all(_nullable(inner) for inner in branch) for branch in argument[1])
    return operator in (_op.AT, _op.ASSERT, _op.ASSERT_NOT, _op.GROUPREF, _op.GROUPREF_EXISTS)


def _chars(items: Sequence[Item]) -> Chars:
    """Return the characters that a match of ``items`` can contain."""
    chars: Chars = frozenset()
    for operator, argument in items:
        if operator is _op.LITERAL:
            chars |= {min(argument, _BEYOND)}
        elif operator is _op.NOT_LITERAL:
            chars |= _ALL - {argument}
        elif operator is _op.ANY:
            chars |= _ALL - {10}
        elif operator is _op.IN:
            chars |= _set_chars(argument)
        elif operator in (*_REPEATS, _op.POSSESSIVE_REPEAT):
            chars |= _chars(list(argument[2]))
        elif operator is _op.SUBPATTERN:
            chars |= _chars(list(argument[3]))
        elif operator is _op.ATOMIC_GROUP:
            chars |= _chars(list(argument))
        elif operator is _op.BRANCH:
            for branch in argument[1]:
                chars |= _chars(list(branch))
        elif operator in (_op.GROUPREF, _op.GROUPREF_EXISTS):
            chars |= _ALL
    return chars


def _set_chars(members: Sequence[Item]) -> Chars:
    chars: Chars = frozenset()
    negated = False
    for operator, argument in members:
        if operator is _op.NEGATE:
            negated = True
        elif operator is _op.LITERAL:
            chars |= {min(argument, _BEYOND)}
        elif operator is _op.RANGE:
            chars |= frozenset(range(argument[0], min(argument[1], _BEYOND) + 1))
            chars |= {_BEYOND} if argument[1] >= _BEYOND else frozenset()
        elif operator is _op.CATEGORY:
            chars |= _category_chars(argument)
    return _ALL - chars if negated else chars


def _category_chars(category: Any) -> Chars:
    name = str(category).removeprefix("CATEGORY_").removeprefix("UNI_")
    letter = {"DIGIT": "d", "SPACE": "s", "WORD": "w", "LINEBREAK": "n"}.get(name.removeprefix("NOT_"), "w")
    belongs = re.compile("\\" + letter).fullmatch
    chars = {code for code in range(_BEYOND) if belongs(chr(code))}
    if letter == "w":
        chars.add(_BEYOND)
    return _ALL - chars if name.startswith("NOT_") else frozenset(chars)
