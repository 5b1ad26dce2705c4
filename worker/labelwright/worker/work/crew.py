"""The crew: claims runs, as many as may be worked on at once, each with a thread of its own."""

from __future__ import annotations

import threading
import time
from functools import partial

import structlog
from labelwright.core.errors import LabelwrightError
from labelwright.serving.background import start_thread
from labelwright.worker.metrics import WorkerMetrics
from labelwright.worker.runs.heartbeat import Heartbeat
from labelwright.worker.runs.held import Held
from labelwright.worker.runs.parts import RunParts
from labelwright.worker.work.work import Patience, Work

_END_SECONDS = 10.0
"""What work under way gets to come to a point where it can be left."""

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
        """``most`` runs are worked on at once."""
        self._parts = parts
        self._heartbeat = heartbeat
        self._patience = patience
        self._metrics = metrics
        self._lease_seconds = lease_seconds
        self._most = most
        self._stopping = threading.Event()
        self._threads: dict[threading.Thread, Held] = {}

    @property
    def held(self) -> int:
        """How many runs are being worked on."""
        return sum(thread.is_alive() for thread in self._threads)

    def claim(self) -> None:
        """Take on runs while there are some and there is room. Raises LabelwrightError where the registry is away."""
        self._threads = {thread: held for thread, held in self._threads.items() if thread.is_alive()}
        while len(self._threads) < self._most and not self._stopping.is_set():
            claimed = self._parts.runs.claim(self._parts.name, self._lease_seconds)
            if claimed is None:
                return
            run, lease = claimed
            held = Held(self._parts.runs, run, lease, self._stopping, self._metrics.spent)
            _log.info("claimed", run=run.id, task=run.task, state=run.state.value)
            self._heartbeat.add(held)
            self._threads[start_thread(f"run-{run.id}", partial(self._work, held))] = held

    def stop(self) -> None:
        """Leave all runs where they are and let their leases go."""
        self._stopping.set()
        end = time.monotonic() + _END_SECONDS
        for thread, held in self._threads.items():
            thread.join(timeout=max(end - time.monotonic(), 0.0))
            if thread.is_alive():  # in the middle of long arithmetic; the process ends now
                self._let_go(held)

    def _work(self, held: Held) -> None:
        try:
            Work(self._parts, held, self._patience, self._metrics).run()
        finally:
            self._let_go(held)

    def _let_go(self, held: Held) -> None:
        self._heartbeat.remove(held)
        if held.is_lost or held.run.state.is_end:
            return
        try:
            held.release()
        except LabelwrightError as error:  # it runs out by itself
            _log.info("a lease was not let go", run=held.run.id, reason=error.message)
