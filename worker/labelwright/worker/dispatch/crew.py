"""The crew: claims runs, as many as may be worked on at once, and works on each in a thread of its own."""

from __future__ import annotations

import threading
import time
from functools import partial

import structlog
from labelwright.core.errors import LabelwrightError
from labelwright.serving.background import start_thread
from labelwright.worker.dispatch.work import Patience, Work
from labelwright.worker.metrics import WorkerMetrics
from labelwright.worker.runs.heartbeat import Heartbeat
from labelwright.worker.runs.lease import RunLease
from labelwright.worker.runs.parts import RunParts

_END_SECONDS = 10.0
"""How long work in progress may take to reach a point where it can be left."""

_log = structlog.get_logger(__name__)


class Crew:
    """Works on runs until it is stopped."""

    def __init__(
        self,
        parts: RunParts,
        heartbeat: Heartbeat,
        patience: Patience,
        metrics: WorkerMetrics,
        *,
        lease_seconds: int,
        most: int,
    ) -> None:
        """At most ``most`` runs are worked on at once."""
        self._parts = parts
        self._heartbeat = heartbeat
        self._patience = patience
        self._metrics = metrics
        self._lease_seconds = lease_seconds
        self._most = most
        self._stopping = threading.Event()
        self._threads: dict[threading.Thread, RunLease] = {}

    @property
    def held(self) -> int:
        """How many runs are being worked on."""
        return sum(thread.is_alive() for thread in self._threads)

    def claim(self) -> None:
        """Claim runs while there are any and there is room. Raises LabelwrightError where the registry fails."""
        self._threads = {thread: lease for thread, lease in self._threads.items() if thread.is_alive()}
        while len(self._threads) < self._most and not self._stopping.is_set():
            claim = self._parts.runs.claim(self._parts.name, self._lease_seconds)
            if claim is None:
                return
            run, token = claim
            lease = RunLease(self._parts.runs, run, token, self._stopping, self._metrics.spent)
            _log.info("claimed", run=run.id, task=run.task, state=run.state.value)
            self._heartbeat.add(lease)
            self._threads[start_thread(f"run-{run.id}", partial(self._work, lease))] = lease

    def stop(self) -> None:
        """Leave all runs where they are and release their leases."""
        self._stopping.set()
        end = time.monotonic() + _END_SECONDS
        for thread, lease in self._threads.items():
            thread.join(timeout=max(end - time.monotonic(), 0.0))
            if thread.is_alive():  # in a long computation; the process ends now
                self._let_go(lease)

    def _work(self, lease: RunLease) -> None:
        try:
            Work(self._parts, lease, self._patience, self._metrics).run()
        finally:
            self._let_go(lease)

    def _let_go(self, lease: RunLease) -> None:
        self._heartbeat.remove(lease)
        if lease.is_lost or lease.run.state.is_end:
            return
        try:
            lease.release()
        except LabelwrightError as error:  # it expires by itself
            _log.info("a lease was not let go", run=lease.run.id, reason=error.message)
