"""The heartbeat: renews the leases of the runs that are being worked on, and reports at once when one is lost."""

from __future__ import annotations

import threading
import time

import structlog
from labelwright.client import RunClient
from labelwright.core.errors import LabelwrightError, LeaseLost, RunNotFound, RunStateMismatch
from labelwright.serving.background import Background
from labelwright.worker.runs.lease import RunLease

_BEATS = 3
"""Renewals within the duration of a lease."""

_log = structlog.get_logger(__name__)


class Heartbeat:
    """A separate thread, so that long work loses no lease. ``runs`` must time out within one beat."""

    def __init__(self, runs: RunClient, lease_seconds: int) -> None:
        self._runs = runs
        self._seconds = lease_seconds
        self._until: dict[RunLease, float] = {}
        self._lock = threading.Lock()
        self._background = Background("heartbeat", self._beat)

    def start(self) -> None:
        """Start to renew leases."""
        self._background.start()

    def stop(self) -> None:
        """Stop; leases then expire unless they are released."""
        self._background.stop(self._seconds)

    def add(self, lease: RunLease) -> None:
        """Renew this lease from now on."""
        with self._lock:
            self._until[lease] = time.monotonic() + self._seconds

    def remove(self, lease: RunLease) -> None:
        """Stop renewing this lease."""
        with self._lock:
            self._until.pop(lease, None)

    def _beat(self) -> None:
        while not self._background.stopping.wait(self._seconds / _BEATS):
            with self._lock:
                leases = list(self._until.items())
            for lease, until in leases:
                self._renew(lease, until)

    def _renew(self, lease: RunLease, until: float) -> None:
        start = time.monotonic()
        try:
            self._runs.renew(lease.run.id, lease.token, self._seconds)
        except (LeaseLost, RunNotFound, RunStateMismatch):
            self._lose(lease)
        except LabelwrightError as error:
            _log.warning("a lease could not be renewed", run=lease.run.id, reason=error.message)
            if time.monotonic() >= until:
                self._lose(lease)
        else:
            with self._lock:
                if lease in self._until:
                    self._until[lease] = start + self._seconds

    def _lose(self, lease: RunLease) -> None:
        _log.warning("a lease is lost", run=lease.run.id, task=lease.run.task)
        lease.lose()
        self.remove(lease)
