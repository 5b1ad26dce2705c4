"""What the label service answers, as plain frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from labelwright.core.errors import InvalidRecord, RecordTooLarge
from labelwright.core.vote import VoteError

Source = Literal["computed", "memory", "redis", "unknown"]
ProgramVote = str | VoteError | None
"""A label's name, how the program failed, or None if it abstained."""


@dataclass(frozen=True, slots=True)
class Labeling:
    """The answer to one record.

    ``label`` is None where the version abstained; ``probability`` (0 to 1) is then 0. ``version`` is the number of
    the version that answered and ``digest`` its content's name. ``degraded`` says that a program failed on this
    record and the others decided alone. ``votes`` is empty where no explanation was asked for. ``messages`` holds what
    failed programs said, by program: such as "KeyError: 'x' (line 7)". ``distribution`` has the probability of each
    label, in the task's order, where it was asked for: they sum to 1, also where the version abstained, and that of
    ``label`` is ``probability``. It is empty where no program voted.
    """

    label: str | None
    probability: float
    version: int
    digest: str
    source: Source
    degraded: bool = False
    votes: Mapping[str, ProgramVote] = field(default_factory=dict)
    messages: Mapping[str, str] = field(default_factory=dict)
    distribution: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why one record of a batch or a stream has no answer. ``reason`` is a code, ``message`` is for people."""

    reason: str
    message: str
    field: str = ""

    def to_error(self) -> InvalidRecord:
        """Return the error that the same record raises when it is sent alone."""
        error_type = RecordTooLarge if self.reason == RecordTooLarge.reason else InvalidRecord
        return error_type(self.message, field=self.field) if self.field else error_type(self.message)


Outcome = Labeling | Failure
"""What became of one record of a batch or a stream."""
