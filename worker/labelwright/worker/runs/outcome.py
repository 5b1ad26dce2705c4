"""The outcome of a step of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from labelwright.core.run import RunState


@dataclass(frozen=True, slots=True)
class Advance:
    """The run moves on. ``facts`` are figures behind the message, in JSON's types; a version of 0 means no change."""

    state: RunState
    message: str
    facts: Mapping[str, object] = field(default_factory=dict)
    base_version: int = 0
    candidate_version: int = 0


@dataclass(frozen=True, slots=True)
class Wait:
    """There is nothing to do yet; ``why`` is for the log."""

    why: str


StepOutcome = Advance | Wait


class Stopped(Exception):
    """The worker is ending: its work is left where it is."""
