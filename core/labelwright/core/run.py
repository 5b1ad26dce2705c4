"""Refresh runs: their data, their states, and which state may follow which."""

from __future__ import annotations

import enum
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from labelwright.core.errors import InvalidRequest

MAX_FILE_NAME = 200
"""Characters of a run file's name."""
MAX_FILE_BYTES = 32 << 20
"""Bytes of a run file."""
MAX_MESSAGE = 4000
"""Characters of a step's message or a run's reason."""
MAX_FACTS_BYTES = 64 << 10
"""Bytes of a step's facts, as JSON."""


class RunState(enum.Enum):
    """How far a run has come."""

    TRIGGERED = "triggered"
    """It was opened."""
    SAMPLED = "sampled"
    """Recent records were taken and are kept."""
    SYNTHESIZED = "synthesized"
    """The LLM has written programs; a bundle is made and kept."""
    SHADOWING = "shadowing"
    """The bundle was accepted, and label services evaluate it beside production."""
    AWAITING_APPROVAL = "awaiting_approval"
    """It waits for a person."""
    APPROVED = "approved"
    """The candidate is to be promoted."""
    PROMOTED = "promoted"
    """It is production and is being watched."""
    SUCCEEDED = "succeeded"
    """It is production and passed the watch."""
    REJECTED = "rejected"
    """The candidate was not better."""
    ROLLED_BACK = "rolled_back"
    """It was production and did badly; the version before it is production again."""
    FAILED = "failed"
    """It could not be finished."""
    CANCELLED = "cancelled"
    """A person ended it, or somebody moved production in the meantime."""

    @property
    def is_end(self) -> bool:
        """Whether no state follows."""
        return self in ENDS

    @property
    def is_open(self) -> bool:
        """Whether there is work left."""
        return self not in ENDS

    def may_become(self, state: RunState) -> bool:
        """Whether a step may lead from this state to ``state``. An open run may also stay in its state."""
        return state in _NEXT[self]


ENDS = frozenset({RunState.SUCCEEDED, RunState.REJECTED, RunState.ROLLED_BACK, RunState.FAILED, RunState.CANCELLED})
OPEN = frozenset(RunState) - ENDS
UNPROMOTED = OPEN - {RunState.PROMOTED}
"""The open states in which production is untouched: a person can still cancel the run."""

_FORWARD: Mapping[RunState, frozenset[RunState]] = {
    RunState.TRIGGERED: frozenset({RunState.SAMPLED}),
    RunState.SAMPLED: frozenset({RunState.SYNTHESIZED}),
    RunState.SYNTHESIZED: frozenset({RunState.SHADOWING}),
    RunState.SHADOWING: frozenset({RunState.AWAITING_APPROVAL, RunState.APPROVED, RunState.REJECTED}),
    RunState.AWAITING_APPROVAL: frozenset({RunState.APPROVED, RunState.REJECTED}),
    RunState.APPROVED: frozenset({RunState.PROMOTED, RunState.REJECTED}),
    RunState.PROMOTED: frozenset({RunState.SUCCEEDED, RunState.ROLLED_BACK}),
}


def _next(state: RunState) -> frozenset[RunState]:
    if state in ENDS:
        return frozenset()
    return _FORWARD[state] | {state, RunState.FAILED, RunState.CANCELLED}


_NEXT = {state: _next(state) for state in RunState}


class Trigger(enum.Enum):
    """What opened a run."""

    ALERT = "alert"
    """An alert that fires."""
    MANUAL = "manual"
    """A person."""


class Review(enum.Enum):
    """What a person can decide about a run."""

    APPROVE = "approve"
    """Promote the candidate; only while the run waits for approval."""
    REJECT = "reject"
    """Do not promote it; only while the run waits for approval."""
    CANCEL = "cancel"
    """End the run; while it is open and not yet promoted."""

    @property
    def leads_to(self) -> RunState:
        """The state that it leads to."""
        return _REVIEWED[self]

    @property
    def possible_in(self) -> frozenset[RunState]:
        """The states in which it can be decided."""
        return UNPROMOTED if self is Review.CANCEL else frozenset({RunState.AWAITING_APPROVAL})


_REVIEWED = {
    Review.APPROVE: RunState.APPROVED,
    Review.REJECT: RunState.REJECTED,
    Review.CANCEL: RunState.CANCELLED,
}


@dataclass(frozen=True, slots=True)
class RunCost:
    """What calls of the LLM cost. ``dollars`` is None where a price is not known."""

    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    dollars: float | None = 0.0

    @property
    def tokens(self) -> int:
        """Tokens of the prompts and the replies."""
        return self.tokens_in + self.tokens_out

    def __add__(self, other: RunCost) -> RunCost:
        """Return both together; dollars are known where they are known of both."""
        known = self.dollars is not None and other.dollars is not None
        return RunCost(
            self.calls + other.calls,
            self.tokens_in + other.tokens_in,
            self.tokens_out + other.tokens_out,
            (self.dollars or 0.0) + (other.dollars or 0.0) if known else None,
        )


@dataclass(frozen=True, slots=True)
class RunStep:
    """One step of a run: the state after it, its time (UTC), who took it, what came of it, the figures behind it."""

    state: RunState
    at: datetime
    actor: str
    message: str
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Run:
    """One refresh of a task.

    Times are in UTC; ``updated_at`` is that of the last step. ``lease_holder`` is empty and ``lease_expires_at`` None
    where nobody holds the lease. A version of 0 is not known yet. ``steps`` are oldest first; lists of runs leave them
    out.
    """

    id: int
    task: str
    trigger: Trigger
    trigger_key: str
    reason: str
    state: RunState
    created_at: datetime
    updated_at: datetime
    lease_holder: str = ""
    lease_expires_at: datetime | None = None
    base_version: int = 0
    candidate_version: int = 0
    cost: RunCost = RunCost()
    steps: tuple[RunStep, ...] = ()


def message_of(text: str) -> str:
    """Return ``text`` fit to be kept as a run's message: without control characters, and cut where it is too long.

    A worker's messages quote others: an alert, an endpoint's error.
    """
    clean = "".join(
        char if char.isprintable() or char in "\n\t" else " " for char in text.replace("\r\n", "\n")
    ).strip()
    return clean if len(clean) <= MAX_MESSAGE else clean[: MAX_MESSAGE - 1] + "…"


def facts_to_text(facts: Mapping[str, object]) -> str:
    """Return the text of the facts' JSON object, empty where there are no facts.

    Raises InvalidRequest for what JSON cannot hold or is too large.
    """
    if not facts:
        return ""
    try:
        text = json.dumps(dict(facts), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        size = len(text.encode())
    except (TypeError, ValueError, RecursionError) as error:  # UnicodeEncodeError is a ValueError
        raise InvalidRequest(
            "the facts are not a JSON object", advice="use texts, finite numbers, lists and objects", field="facts"
        ) from error
    if size > MAX_FACTS_BYTES:
        raise InvalidRequest(
            f"the facts have {size:,} bytes; {MAX_FACTS_BYTES:,} are allowed", advice="shorten them", field="facts"
        )
    return text


def facts_from_text(text: str) -> dict[str, object]:
    """Return the facts of a JSON object's text. Raises InvalidRequest for other text, or where it is too large."""
    if not text:
        return {}
    try:
        facts = json.loads(text)
    except (ValueError, RecursionError):
        facts = None
    if not isinstance(facts, dict):
        raise InvalidRequest("the facts are not a JSON object", advice='for example {"agreement": 0.97}', field="facts")
    facts_to_text(facts)
    return facts
