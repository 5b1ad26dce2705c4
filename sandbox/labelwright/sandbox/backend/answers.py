"""What the guest answers, read by one reader that believes none of it.

Programs can write whatever the guest writes. So an answer is what labeling.wit says that it is, or it is refused; the
texts in it are for people, and are cut and made plain here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from labelwright.core.vote import ABSTAIN, VoteError

Votes = tuple[int, ...]
"""One vote a program, in the order of the version's programs (see labelwright.core.vote)."""

FIRST = 48
"""Code point of vote 0."""
_GUEST_ERRORS = (VoteError.RAISED, VoteError.INVALID_RESULT, VoteError.STACK)
"""What the guest itself can say. The other errors are the host's to give."""
_CHARACTER_BYTES = 4
_TEXTS_BYTES = 8 << 10
"""What one program's texts take at most: some 400 characters, written as JSON in ASCII."""
_MESSAGE_LENGTH = 500
_NAME_LENGTH = 100
_LAST_LINE = 1_000_000


class UnreadableAnswer(Exception):
    """The guest answered something else than it may; the message says what."""


@dataclass(frozen=True, slots=True)
class LoadFailure:
    """Why a program does not load. ``kind`` is an exception's name, ``line`` is 0 where there is none."""

    kind: str
    message: str
    line: int


def most_votes_bytes(programs: int, records: int) -> int:
    """Return how long an answer of ``evaluate`` can be, in bytes."""
    return programs * (records * _CHARACTER_BYTES + _TEXTS_BYTES)


def most_outcomes_bytes(programs: int) -> int:
    """Return how long an answer of ``load`` can be, in bytes."""
    return (programs + 1) * _TEXTS_BYTES


def read_votes(answer: bytes, programs: int, records: int, labels: int) -> tuple[list[Votes], dict[int, str]]:
    """Return one row a record, and what failing programs say, by their place. Raises UnreadableAnswer."""
    text = _text(answer)
    end = programs * records
    if len(text) < end:
        raise UnreadableAnswer("votes are missing")
    known = {chr(FIRST + vote): vote for vote in (*range(labels), ABSTAIN, *map(int, _GUEST_ERRORS))}
    try:
        votes = [known[character] for character in text[:end]]
    except KeyError:
        raise UnreadableAnswer("a vote that there is not") from None
    rows = list(zip(*(votes[place::programs] for place in range(programs)), strict=True))
    return rows, _messages(text[end:], programs)


def read_outcomes(answer: bytes, programs: int) -> list[LoadFailure | None]:
    """Return one entry a program: None where it loaded. Raises UnreadableAnswer."""
    outcomes = _json(_text(answer))
    if type(outcomes) is not list or len(outcomes) != programs:
        raise UnreadableAnswer("outcomes are missing")
    return [None if outcome is None else _failure(outcome) for outcome in outcomes]


def plain(text: str, length: int = _MESSAGE_LENGTH) -> str:
    """Return the text on one line, without control characters, and not too long."""
    return "".join(
        char if char.isprintable() else " " if char.isspace() else "\N{REPLACEMENT CHARACTER}" for char in text[:length]
    )


def _messages(tail: str, programs: int) -> dict[int, str]:
    messages = _json(tail) if tail else {}
    places = {str(place): place for place in range(programs)}
    if type(messages) is not dict or not places.keys() >= messages.keys():
        raise UnreadableAnswer("messages of nobody")
    if any(type(message) is not str for message in messages.values()):
        raise UnreadableAnswer("a message that is no text")
    return {places[place]: plain(message) for place, message in messages.items()}


def _failure(outcome: Any) -> LoadFailure:
    match outcome:
        case {"type": str(kind), "message": str(message), "line": int(line)} if type(line) is int:
            return LoadFailure(plain(kind, _NAME_LENGTH), plain(message), line if 0 < line <= _LAST_LINE else 0)
    raise UnreadableAnswer("an outcome that says nothing")


def _text(answer: bytes) -> str:
    try:
        return answer.decode()
    except UnicodeDecodeError:
        raise UnreadableAnswer("it is no text") from None


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise UnreadableAnswer("it is no JSON") from None
