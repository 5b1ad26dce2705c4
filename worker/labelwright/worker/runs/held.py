"""A run that this worker holds the lease on. Everything that is written to a run goes through here."""

from __future__ import annotations

import threading
from collections.abc import Callable

from labelwright.client import RunClient
from labelwright.core.errors import LeaseLost, RunFileNotFound
from labelwright.core.run import Run, RunCost
from labelwright.worker.runs.outcome import Advance, Stopped

_TICK_SECONDS = 0.2

OnSpent = Callable[[str, RunCost], None]
"""Told a task and what a file of one of its runs has cost."""


class Held:
    """One run and its lease. Used by one thread; ``lose`` may be called by another."""

    def __init__(
        self, runs: RunClient, run: Run, lease: str, stopping: threading.Event, on_spent: OnSpent = lambda *_: None
    ) -> None:
        self.run = run
        self.lease = lease
        self.all_live_since: float | None = None
        """Unix time at which every label service was first seen to serve the promoted version."""
        self._runs = runs
        self._stopping = stopping
        self._on_spent = on_spent
        self._lost = threading.Event()

    def lose(self) -> None:
        """Say that the lease is lost: another worker may have the run."""
        self._lost.set()

    @property
    def is_lost(self) -> bool:
        """Whether another worker may have the run."""
        return self._lost.is_set()

    def check(self) -> None:
        """Raise LeaseLost or Stopped where no more may be done."""
        if self._lost.is_set():
            raise LeaseLost(f"the lease on run {self.run.id} is lost")
        if self._stopping.is_set():
            raise Stopped

    def wait(self, seconds: float) -> None:
        """Return after so many seconds. Raises LeaseLost, Stopped as soon as that is so."""
        while seconds > 0:
            self.check()
            self._stopping.wait(min(seconds, _TICK_SECONDS))
            seconds -= _TICK_SECONDS
        self.check()

    def put(self, name: str, content: bytes, cost: RunCost | None = None) -> None:
        """Keep a file of the run, and book what it cost, once."""
        self.check()
        if self._runs.put_file(self.run.id, self.lease, name, content, cost) and cost is not None:
            self._on_spent(self.run.task, cost)

    def get(self, name: str) -> bytes | None:
        """Return a file of the run, None where it has none of this name."""
        try:
            return self._runs.get_file(self.run.id, name)
        except RunFileNotFound:
            return None

    def names(self, prefix: str) -> tuple[str, ...]:
        """Return the names of the run's files that begin so."""
        return self._runs.list_files(self.run.id, prefix)

    def advance(self, step: Advance) -> None:
        """Write the step down. Raises LeaseLost, RunStateMismatch where somebody else has moved the run."""
        self.check()
        self.run = self._runs.advance(
            self.run.id,
            self.lease,
            self.run.state,
            step.state,
            step.message,
            step.facts,
            base_version=step.base_version,
            candidate_version=step.candidate_version,
        )

    def release(self) -> None:
        """Let the lease go."""
        self._runs.renew(self.run.id, self.lease, 0)
