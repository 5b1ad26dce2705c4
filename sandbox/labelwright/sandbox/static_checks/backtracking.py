r"""Whether a regular expression can take far too long, read off its syntax tree.

A backtracking matcher tries every way to split a text among repetitions. Two shapes make that explode:

- exponential: a repetition whose body can be matched in more than one way by the same characters, such as
  ``(a+)+``, ``(\w+\s*)*`` or ``(a|a)*``;
- quadratic: two unbounded repetitions of overlapping characters side by side, such as ``.*.*``.

The check looks at sets of characters only, so it can be wrong either way; it is advice. It takes time in proportion to
the pattern.
"""

from __future__ import annotations

import enum
import importlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, reduce
from itertools import chain, combinations, islice, product
from operator import and_, or_
from typing import Any

_BEYOND = 256
"""Stands for all characters above Latin-1."""
_ALL = (1 << _BEYOND + 1) - 1
"""Sets of characters are integers: bit n stands for the character with code n."""
_MANY = 12
"""Repetitions from this number on count as unbounded."""
_COMPARISONS = 20_000
"""Pairs that are compared in one place at most; what is left open then is not reported."""

_parser: Any = importlib.import_module("re._parser")
_op: Any = importlib.import_module("re._constants")
_REPEATS = (_op.MAX_REPEAT, _op.MIN_REPEAT)
_SINGLE = (_op.LITERAL, _op.NOT_LITERAL, _op.ANY, _op.IN)
_LOOKING = (_op.ASSERT, _op.ASSERT_NOT)
_REFERRING = (_op.GROUPREF, _op.GROUPREF_EXISTS)


class Blowup(enum.Enum):
    """How a pattern's time grows with the text, in the worst case."""

    EXPONENTIAL = "exponential"
    POLYNOMIAL = "polynomial"


@dataclass(frozen=True, slots=True)
class _Part:
    """One part of a sequence. Groups are opened: their parts stand in the sequence around them."""

    operator: Any
    chars: int
    """The characters that a match can contain."""
    nullable: bool
    inner: tuple[tuple[_Part, ...], ...] = ()
    """The sequences in it, but not those of possessive and atomic parts: these never backtrack."""
    unbounded: bool = False

    @property
    def repeats_characters(self) -> bool:
        """Whether it is one character or set, over and over."""
        return self.unbounded and len(self.inner[0]) == 1 and self.inner[0][0].operator in _SINGLE


_Sequence = tuple[_Part, ...]


def find_blowup(pattern: str, flags: int = 0) -> Blowup | None:
    """Return how ``pattern`` blows up, or None. Raises re.error where it is not a pattern."""
    sequences = list(_sequences(_read(_parser.parse(pattern, flags))))
    if any(part.unbounded and _is_ambiguous(part.inner[0]) for sequence in sequences for part in sequence):
        return Blowup.EXPONENTIAL
    return Blowup.POLYNOMIAL if any(map(_is_quadratic, sequences)) else None


def _sequences(sequence: _Sequence) -> Iterator[_Sequence]:
    waiting = [sequence]
    while waiting:
        sequence = waiting.pop()
        yield sequence
        waiting += [inner for part in sequence for inner in part.inner]


def _is_ambiguous(body: _Sequence) -> bool:
    """Whether the same characters can be matched by the repeated ``body`` in more than one way.

    If all other parts can match nothing, or a character of an unbounded one, an iteration can end anywhere within it.
    """
    branches = [branch for part in body if part.operator is _op.BRANCH for branch in part.inner]
    unbounded = {part.chars for sequence in (body, *branches) for part in sequence if part.unbounded}
    meeting = _meeting(unbounded, body)
    return (
        any(part.unbounded and part.chars in meeting for part in body)
        or any(_have_twins(part.inner) for part in body if part.operator is _op.BRANCH)
        or any(_meeting({part.chars for part in branch if part.unbounded} & meeting, branch) for branch in branches)
    )


def _meeting(candidates: set[int], sequence: _Sequence) -> set[int]:
    """Return the candidates that share a character with each part of the sequence that cannot match nothing."""
    needed = {part.chars for part in sequence if not part.nullable}
    if len(candidates) * len(needed) > _COMPARISONS:
        return set()
    return {chars for chars in candidates if all(chars & other for other in needed)}


def _have_twins(branches: Sequence[_Sequence]) -> bool:
    """Whether two alternatives can match the same text, as far as single characters tell."""
    by_length: dict[int, list[tuple[int, ...]]] = {}
    for branch in branches:
        if all(part.operator in _SINGLE for part in branch):
            by_length.setdefault(len(branch), []).append(tuple(part.chars for part in branch))
    return any(map(_overlap, by_length.values()))


def _overlap(texts: Sequence[tuple[int, ...]]) -> bool:
    """Whether two of the texts, all of one length and each a set of characters a place, can be the same."""
    distinct = set(texts)
    if len(distinct) < len(texts):
        return True
    words = [text for text in distinct if all(chars.bit_count() == 1 for chars in text)]
    others = list(distinct.difference(words))
    pairs = islice(chain(combinations(others, 2), product(others, words)), _COMPARISONS)
    return any(all(map(and_, one, other)) for one, other in pairs)


def _is_quadratic(sequence: _Sequence) -> bool:
    repeated = 0
    for part in sequence:
        if part.repeats_characters and part.chars & repeated:
            return True
        if not part.nullable or part.operator is _op.AT:
            repeated = 0
        if part.repeats_characters:
            repeated |= part.chars
    return False


def _read(items: Iterable[Any]) -> _Sequence:
    parts: list[_Part] = []
    for operator, argument in items:
        if operator is _op.SUBPATTERN:
            parts += _read(argument[3])
        else:
            parts.append(_part(operator, argument))
    return tuple(parts)


def _part(operator: Any, argument: Any) -> _Part:
    if operator in _SINGLE:
        return _Part(operator, _single_chars(operator, argument), nullable=False)
    if operator in _LOOKING:
        return _Part(operator, 0, nullable=True, inner=(_read(argument[1]),))
    if operator is _op.BRANCH:
        inner = tuple(map(_read, argument[1]))
        return _Part(operator, _chars(*inner), any(map(_is_nullable, inner)), inner)
    if operator in _REPEATS:
        least, most, repeated = argument
        body = _read(repeated)
        return _Part(operator, _chars(body), least == 0 or _is_nullable(body), (body,), most >= _MANY)
    if operator in (_op.POSSESSIVE_REPEAT, _op.ATOMIC_GROUP):
        is_atomic = operator is _op.ATOMIC_GROUP
        body = _read(argument if is_atomic else argument[2])
        return _Part(operator, _chars(body), _is_nullable(body) or not (is_atomic or argument[0]))
    return _Part(operator, _ALL if operator in _REFERRING else 0, nullable=True)


def _is_nullable(sequence: _Sequence) -> bool:
    return all(part.nullable for part in sequence)


def _chars(*sequences: _Sequence) -> int:
    return reduce(or_, (part.chars for sequence in sequences for part in sequence), 0)


def _single_chars(operator: Any, argument: Any) -> int:
    if operator is _op.LITERAL:
        return _char(argument)
    if operator is _op.NOT_LITERAL:
        return _ALL & ~_char(argument) if argument < _BEYOND else _ALL
    if operator is _op.ANY:
        return _ALL & ~(1 << ord("\n"))
    chars = reduce(or_, (_member_chars(*member) for member in argument), 0)
    return _ALL & ~chars if argument[0][0] is _op.NEGATE else chars


def _char(code: int) -> int:
    return 1 << min(code, _BEYOND)


def _member_chars(operator: Any, argument: Any) -> int:
    if operator is _op.LITERAL:
        return _char(argument)
    if operator is _op.RANGE:
        low, high = map(_char, argument)
        return 2 * high - low
    return _category_chars(str(argument)) if operator is _op.CATEGORY else 0


@cache
def _category_chars(category: str) -> int:
    name = category.removeprefix("CATEGORY_").removeprefix("UNI_")
    letter = {"DIGIT": "d", "SPACE": "s", "WORD": "w", "LINEBREAK": "n"}.get(name.removeprefix("NOT_"), "w")
    belongs = re.compile("\\" + letter).fullmatch
    chars = sum(1 << code for code in range(_BEYOND) if belongs(chr(code)))
    if letter == "w":
        chars |= 1 << _BEYOND
    return _ALL & ~chars if name.startswith("NOT_") else chars
