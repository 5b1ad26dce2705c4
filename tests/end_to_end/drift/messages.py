"""The messages of the drift scenario: those that the example's programs were written for, and a later kind of spam.

Ordinary messages and old spam are those of examples/spam, by hand or from its generator. New spam is made by
tests/fixtures/drift/make_messages.py: the example's programs take it for ham or abstain.
"""

from __future__ import annotations

import importlib
import json
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.parts.repository import EXAMPLES, ROOT

FIXTURES = ROOT / "tests" / "fixtures" / "drift"
SPAM_SHARE = 0.32
"""As in the example's own records, before and after the drift: only its kind changes."""

HAMS, OLD, NEW = 100, 37, 80
"""Distinct messages of each kind up to the promotion; the new spam that comes after it is another.

Far more of them are spam than SPAM_SHARE: whatever counts a message once finds other shares than traffic has.
"""
HAM, OLD_SPAM, NEW_SPAM = "ham", "old spam", "new spam"


@dataclass(frozen=True, slots=True)
class Message:
    """A message, its right label, and what kind it is of."""

    text: str
    label: str
    kind: str


@dataclass(frozen=True, slots=True)
class Mix:
    """What traffic consists of. Messages are drawn with replacement."""

    ham: Sequence[Message]
    spam: Sequence[Message]

    def draw(self, rng: random.Random) -> Message:
        """Return the next message."""
        return rng.choice(self.spam if rng.random() < SPAM_SHARE else self.ham)


class Fresh:
    """Messages of the example's generator, as many as one likes: hardly one comes twice."""

    def draw(self, rng: random.Random) -> Message:
        """Return the next message."""
        made = _generator().make(rng)
        label = str(made["label"])
        return Message(str(made["text"]), label, HAM if label == "ham" else OLD_SPAM)


def known() -> tuple[list[Message], list[Message]]:
    """Return ordinary messages and spam of the example."""
    rows = zip(_rows(EXAMPLES / "spam" / "unlabeled.jsonl"), _rows(EXAMPLES / "spam" / "answers.jsonl"), strict=True)
    kinds = {"ham": HAM, "spam": OLD_SPAM}
    found = [Message(str(row["text"]), str(answer["label"]), kinds[str(answer["label"])]) for row, answer in rows]
    return [item for item in found if item.kind == HAM][:HAMS], [item for item in found if item.kind == OLD_SPAM][:OLD]


def new_spam() -> tuple[list[Message], list[Message]]:
    """Return the messages of the later kind that come before the promotion, and those that come after it."""
    found = [Message(str(row["text"]), "spam", NEW_SPAM) for row in _rows(FIXTURES / "new_spam.jsonl")]
    return found[:NEW], found[NEW:]


def _rows(path: Path) -> Iterator[dict[str, object]]:
    yield from map(json.loads, path.read_text(encoding="utf-8").splitlines())


def _generator() -> Any:
    if str(EXAMPLES) not in sys.path:
        sys.path.append(str(EXAMPLES))
    return importlib.import_module("making.spam")
