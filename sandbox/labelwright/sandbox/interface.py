"""The seam between the sandbox and the rest of the house.

A back end gets the programs' sources once and then batches of packed records, and gives back votes. Nothing outside
of this package may know which back end ran.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

Votes = tuple[int, ...]
"""One vote a program, in the order of the version's programs (see labelwright.core.vote)."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a batch gave: ``votes[record]``, and for people the first error message of each failing program.

    Messages may quote records: they are for whoever owns the data, never for logs.
    """

    votes: list[Votes]
    messages: Mapping[str, str]


class Executable(Protocol):
    """A version's programs, ready to run. Safe to call from several threads at once."""

    @property
    def programs(self) -> tuple[str, ...]:
        """The programs' names, in voting order."""
        ...

    @property
    def benched(self) -> Mapping[str, str]:
        """Programs that failed so often that they are not run any more, with the reason."""
        ...

    def evaluate(self, records: Sequence[str], *, deadline: float | None = None) -> Evaluation:
        """Evaluate every program on every packed record.

        ``deadline`` is a ``time.monotonic()`` value; where it passes first, raises DeadlineExceeded and blames no
        program. A program at fault gets an error vote; nothing it does changes the votes of the others.
        """
        ...

    def close(self) -> None:
        """Free the instances. Calls under way finish first."""
        ...
