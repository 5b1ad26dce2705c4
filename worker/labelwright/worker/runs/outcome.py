"""What a step of a run comes to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from labelwright.core.run import RunState


@dataclass(frozen=True, slots=True)
class Advance:
    """The run moves on. ``facts`` are figures behind the message, JSON's types; a version of 0 leaves what is known."""

    state: RunState
    message: str
    facts: Mapping[str, object] = field(default_factory=dict)
    base_version: int = 0
    candidate_version: int = 0


@dataclass(frozen=True, slots=True)
class Wait:
    """There is nothing to be done yet; ``why`` is for the log."""

    why: str


StepOutcome = Advance | Wait


class Stopped(Exception):
    """The worker is ending: what it does is left where it is."""
