"""The lease that this worker holds on a run. Everything that is written to the run goes through it."""

from __future__ import annotations

import threading
from collections.abc import Callable

from labelwright.client import RunClient
from labelwright.core.errors import LeaseLost, RunFileNotFound
from labelwright.core.run import Run, RunCost
from labelwright.worker.runs.outcome import Advance, Stopped

_TICK_SECONDS = 0.2

OnSpent = Callable[[str, RunCost], None]
"""Called with a task and the cost of a file of one of its runs."""


class RunLease:
    """A run and the token that allows to write to it. Used by one thread; another one may call ``lose``."""

    def __init__(
        self, runs: RunClient, run: Run, token: str, stopping: threading.Event, on_spent: OnSpent = lambda *_: None
    ) -> None:
        self.run = run
        self.token = token
        self.all_live_since: float | None = None
        """Unix time at which every label service was first found serving the promoted version."""
        self._runs = runs
        self._stopping = stopping
        self._on_spent = on_spent
        self._lost = threading.Event()

    def lose(self) -> None:
        """Mark the lease as lost: another worker may have the run."""
        self._lost.set()

    @property
    def is_lost(self) -> bool:
        """Whether another worker may have the run."""
        return self._lost.is_set()

    def check(self) -> None:
        """Raise LeaseLost or Stopped where the run must not be worked on any more."""
        if self._lost.is_set():
            raise LeaseLost(f"the lease on run {self.run.id} is lost")
        if self._stopping.is_set():
            raise Stopped

    def wait(self, seconds: float) -> None:
        """Wait for so many seconds. Raises LeaseLost or Stopped as soon as ``check`` would."""
        while seconds > 0:
            self.check()
            self._stopping.wait(min(seconds, _TICK_SECONDS))
            seconds -= _TICK_SECONDS
        self.check()

    def put(self, name: str, content: bytes, cost: RunCost | None = None) -> None:
        """Keep a file of the run and book its cost, once."""
        self.check()
        if self._runs.put_file(self.run.id, self.token, name, content, cost) and cost is not None:
            self._on_spent(self.run.task, cost)

    def get(self, name: str) -> bytes | None:
        """Return a file of the run, None where it has no file of this name."""
        try:
            return self._runs.get_file(self.run.id, name)
        except RunFileNotFound:
            return None

    def names(self, prefix: str) -> tuple[str, ...]:
        """Return the names of the run's files that begin with ``prefix``."""
        return self._runs.list_files(self.run.id, prefix)

    def advance(self, step: Advance) -> None:
        """Write a step. Raises LeaseLost, and RunStateMismatch where somebody else has moved the run."""
        self.check()
        self.run = self._runs.advance(
            self.run.id,
            self.token,
            self.run.state,
            step.state,
            step.message,
            step.facts,
            base_version=step.base_version,
            candidate_version=step.candidate_version,
        )

    def release(self) -> None:
        """Release the lease."""
        self._runs.renew(self.run.id, self.token, 0)
