"""Works on one run: step after step, waiting for parts that are unavailable, until it ends or waits for a person."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import structlog
from labelwright.core.errors import (
    DeadlineExceeded,
    LabelwrightError,
    LeaseLost,
    Overloaded,
    RunNotFound,
    RunStateMismatch,
    SandboxUnavailable,
    Unavailable,
)
from labelwright.core.run import RunState
from labelwright.serving.backoff import Backoff
from labelwright.serving.logs import places_of
from labelwright.worker.metrics import WorkerMetrics
from labelwright.worker.runs.lease import RunLease
from labelwright.worker.runs.outcome import Advance, StepOutcome, Stopped
from labelwright.worker.runs.parts import RunParts
from labelwright.worker.runs.production import drop_candidate
from labelwright.worker.steps.order import STEPS

_AWAY = (Unavailable, DeadlineExceeded, Overloaded, SandboxUnavailable)
"""Conditions that pass: the step is taken again."""
_GONE = (LeaseLost, RunStateMismatch, RunNotFound, Stopped)
"""The run belongs to another worker or has ended, or this worker is ending."""
_LONGEST_PAUSE = 300.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Patience:
    """Times in seconds: between polls, the first pause after a failure, and how long a part may be unavailable at a
    stretch.
    """

    poll: float
    retry: float
    give_up: float


class Work:
    """One run in one worker."""

    def __init__(self, parts: RunParts, lease: RunLease, patience: Patience, metrics: WorkerMetrics) -> None:
        self._parts = parts
        self._lease = lease
        self._patience = patience
        self._metrics = metrics
        self._backoff = Backoff(patience.retry, _LONGEST_PAUSE)
        self._failures = 0
        self._away_since = 0.0
        self._log = _log.bind(run=lease.run.id, task=lease.run.task)

    def run(self) -> None:
        """Take steps until the run has ended, waits for a person, or is no longer this worker's."""
        try:
            while self._lease.run.state in STEPS:
                self._step()
        except _GONE as error:
            self._log.info("left", state=self._lease.run.state.value, why=type(error).__name__)

    def _step(self) -> None:
        """Take one step, or wait. Raises one of _GONE where the run must be left."""
        try:
            outcome = self._outcome()
            if isinstance(outcome, Advance):
                self._conclude(outcome)
                self._failures = 0
                return
            self._failures = 0
        except _AWAY as error:
            self._back_off(error)
            return
        self._log.debug("waiting", state=self._lease.run.state.value, why=outcome.why)
        self._lease.wait(self._patience.poll)

    def _outcome(self) -> StepOutcome:
        self._lease.check()
        try:
            return STEPS[self._lease.run.state](self._parts, self._lease)
        except (*_GONE, *_AWAY):
            raise
        except LabelwrightError as error:
            return Advance(RunState.FAILED, _sentences(error.message, error.advice))
        except Exception as error:
            # The error's text may quote records, so only its type and places are logged.
            self._log.error("a step failed", error=type(error).__name__, places=places_of(error))
            return Advance(RunState.FAILED, f"The worker itself failed ({type(error).__name__}); its log says where.")

    def _conclude(self, outcome: Advance) -> None:
        """Write the step, or, where the registry refuses it, that the run has failed."""
        try:
            self._advance(outcome)
        except (*_GONE, *_AWAY):
            raise
        except LabelwrightError as error:
            self._advance(Advance(RunState.FAILED, _sentences(error.message, error.advice)))

    def _advance(self, outcome: Advance) -> None:
        before = self._lease.run
        if not before.state.may_become(outcome.state):
            # A bug; without this the step would be repeated for ever.
            self._log.error("no such step", state=before.state.value, to_state=outcome.state.value)
            outcome = replace(outcome, state=RunState.FAILED)
        if outcome.state.is_end:
            drop_candidate(self._parts.registry, before)
        self._lease.advance(outcome)
        after = self._lease.run
        self._log.info("step", state=after.state.value, message=outcome.message)
        self._metrics.stepped(
            after.task, before.state, after.state, (after.updated_at - before.updated_at).total_seconds()
        )

    def _back_off(self, error: LabelwrightError) -> None:
        """Wait for what is unavailable; give the run up where that takes too long."""
        if not self._failures:
            self._away_since = time.monotonic()
        away = time.monotonic() - self._away_since
        if away > self._patience.give_up:
            message = f"given up after {away / 3600:.1f} hours in which it could not go on: {error.message}"
            try:
                self._advance(Advance(RunState.FAILED, _sentences(message, error.advice)))
            except _AWAY:
                pass  # the registry itself is unavailable
            else:
                return
        self._failures += 1
        pause = self._backoff.pause(self._failures)
        self._log.warning("away", state=self._lease.run.state.value, reason=error.message, pause=pause)
        self._lease.wait(pause)


def _sentences(*texts: str) -> str:
    """Return messages of errors, which have no capital and no full stop, as sentences."""
    return " ".join(f"{text[:1].upper()}{text[1:].rstrip('.')}." for text in texts if text)
