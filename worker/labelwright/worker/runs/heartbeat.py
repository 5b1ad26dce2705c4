"""The heartbeat: prolongs the leases on the runs that are being worked on, and says at once when one is lost."""

from __future__ import annotations

import threading
import time

import structlog
from labelwright.client import RunClient
from labelwright.core.errors import LabelwrightError, LeaseLost, RunNotFound, RunStateMismatch
from labelwright.serving.background import Background
from labelwright.worker.runs.held import Held

_BEATS = 3
"""Renewals within the time of a lease."""

_log = structlog.get_logger(__name__)


class Heartbeat:
    """A thread of its own, so that long work loses no lease. ``runs`` must give up a call within a beat."""

    def __init__(self, runs: RunClient, lease_seconds: int) -> None:
        self._runs = runs
        self._seconds = lease_seconds
        self._until: dict[Held, float] = {}
        self._lock = threading.Lock()
        self._background = Background("heartbeat", self._beat)

    def start(self) -> None:
        """Begin to beat."""
        self._background.start()

    def stop(self) -> None:
        """End the thread; leases are left to run out or to be let go."""
        self._background.stop(self._seconds)

    def add(self, held: Held) -> None:
        """Keep the run's lease alive from now on."""
        with self._lock:
            self._until[held] = time.monotonic() + self._seconds

    def remove(self, held: Held) -> None:
        """Leave the run's lease alone."""
        with self._lock:
            self._until.pop(held, None)

    def _beat(self) -> None:
        while not self._background.stopping.wait(self._seconds / _BEATS):
            with self._lock:
                held_runs = list(self._until.items())
            for held, until in held_runs:
                self._renew(held, until)

    def _renew(self, held: Held, until: float) -> None:
        began = time.monotonic()
        try:
            self._runs.renew(held.run.id, held.lease, self._seconds)
        except (LeaseLost, RunNotFound, RunStateMismatch):
            self._lose(held)
        except LabelwrightError as error:
            _log.warning("a lease could not be renewed", run=held.run.id, reason=error.message)
            if time.monotonic() >= until:
                self._lose(held)
        else:
            with self._lock:
                if held in self._until:
                    self._until[held] = began + self._seconds

    def _lose(self, held: Held) -> None:
        _log.warning("a lease is lost", run=held.run.id, task=held.run.task)
        held.lose()
        self.remove(held)
