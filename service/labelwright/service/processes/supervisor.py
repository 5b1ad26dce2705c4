"""Several worker processes on one port: started, watched, restarted when they die, stopped together.

The kernel distributes connections over the workers (SO_REUSEPORT). The supervisor holds the port without listening, so
that the port stays theirs while a worker is restarted, and serves the metrics of all workers at one address.
"""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from multiprocessing.connection import Connection
from typing import Any

import structlog
from labelwright.core.errors import ConfigurationError, LabelwrightError
from labelwright.service.processes import process, worker
from labelwright.service.processes.supervisor_metrics import SupervisorMetrics
from labelwright.service.settings import ServiceSettings
from labelwright.serving.access.access import Access
from labelwright.serving.addresses import reserve_shared
from labelwright.serving.backoff import Backoff
from labelwright.serving.main import ServerExit
from labelwright.serving.stop_signal import stop_on_signal
from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric

_log = structlog.get_logger(__name__)
_RESTARTS = Backoff(0.2, 10.0)
_STABLE_SECONDS = 30.0
"""A worker that lived longer is started again as if it were the first time."""
_COLLECT_SECONDS = 2.0
_HEALTH_SECONDS = 0.5
_TICK_SECONDS = 0.1
_KILL_SECONDS = 5.0
"""What a worker may take beyond the time to drain."""


class WorkerSlot:
    """A place for one worker process; when the process dies, another one takes the place."""

    def __init__(self, settings: ServiceSettings, index: int, address: str) -> None:
        self._settings = settings
        self._index = index
        self._address = address
        self._lock = threading.Lock()
        self._pipe: Connection | None = None
        self._questions = 0
        self._deaths = 0
        """Of processes in a row, each soon after its start."""
        self._start_at = 0.0
        self._started_at = 0.0
        self.process: multiprocessing.process.BaseProcess | None = None
        self.restarts = 0
        self.ready = False

    def tend(self) -> None:
        """Start the process where there is none and it is due; notice whether it is ready or has ended.

        Raises ConfigurationError where its first start fails for a wrong setting, else LabelwrightError where it fails.
        """
        if self.process is None:
            if time.monotonic() >= self._start_at:
                self._start()
        elif self.process.exitcode is not None:
            self._ended(self.process.exitcode)
        elif not self.ready:
            self._listen()

    def collect(self) -> Sequence[Metric] | None:
        """Return the worker's metric families, or None where it does not answer in time."""
        families: Sequence[Metric] | None = self._ask(worker.COLLECT, _COLLECT_SECONDS)
        return families

    def is_serving(self) -> bool:
        """Return whether the worker says in time that it serves."""
        return self._ask(worker.IS_SERVING, _HEALTH_SECONDS) is True

    def _ask(self, question: str, seconds: float) -> Any:
        """Return the worker's answer, or None where it does not come in time."""
        with self._lock:
            if not self.ready or self._pipe is None:
                return None
            self._questions += 1
            try:
                self._pipe.send((question, self._questions))
                give_up = time.monotonic() + seconds
                while self._pipe.poll(max(give_up - time.monotonic(), 0)):
                    number, answer = self._pipe.recv()
                    if number == self._questions:  # else the late answer to an earlier question
                        return answer
            except (EOFError, OSError):
                pass
            return None

    def _start(self) -> None:
        ours, theirs = multiprocessing.get_context("spawn").Pipe()
        # Spawned and not forked: neither gRPC's threads nor the sandbox survive a fork.
        self.process = multiprocessing.get_context("spawn").Process(
            target=worker.main, args=(self._settings, self._index, self._address, theirs), name=f"worker-{self._index}"
        )
        self.process.start()
        theirs.close()
        with self._lock:
            self._pipe = ours
        self._started_at = time.monotonic()

    def _listen(self) -> None:
        with self._lock:
            try:
                if self._pipe is not None and self._pipe.poll() and self._pipe.recv() == worker.READY:
                    self.ready = True
            except (EOFError, OSError):
                pass  # it has died; the next check of the process shows that

    def _ended(self, code: int) -> None:
        was_ready, self.ready, self.process = self.ready, False, None
        with self._lock:
            if self._pipe is not None:
                self._pipe.close()
                self._pipe = None
        if not was_ready and not self.restarts and code > 0:
            error = ConfigurationError if code == ServerExit.MISCONFIGURED else LabelwrightError
            raise error("a worker cannot start; its log line says why")
        if time.monotonic() - self._started_at > _STABLE_SECONDS:
            self._deaths = 0
        self._deaths += 1
        self.restarts += 1
        delay = _RESTARTS.pause(self._deaths)
        self._start_at = time.monotonic() + delay
        _log.error("worker ended; starting another", worker=self._index, exit_code=code, delay_seconds=delay)


class Supervisor:
    """All workers."""

    def __init__(self, settings: ServiceSettings, address: str) -> None:
        self._settings = settings
        self._workers = [WorkerSlot(settings, index, address) for index in range(settings.workers)]
        self._stopping = False

    @property
    def ready(self) -> bool:
        """Whether every worker has started."""
        return all(item.ready for item in self._workers)

    def is_serving(self) -> bool:
        """Return whether a worker serves; one is enough, as connections reach only workers that listen."""
        return not self._stopping and any(item.is_serving() for item in self._workers)

    def tend(self) -> None:
        """Tend each worker. Raises as WorkerSlot.tend does."""
        for item in self._workers:
            item.tend()

    def collect(self) -> Mapping[int, Iterable[Metric]]:
        """Return the metric families of each worker that answers."""
        answers = {index: item.collect() for index, item in enumerate(self._workers)}
        return {index: families for index, families in answers.items() if families is not None}

    def restarts(self) -> Mapping[int, int]:
        """Return how often each worker was restarted."""
        return {index: item.restarts for index, item in enumerate(self._workers)}

    def stop(self) -> None:
        """Let every worker drain; kill those that do not end in time."""
        self._stopping = True
        processes = [item.process for item in self._workers if item.process is not None]
        for process_ in processes:
            process_.terminate()
        give_up = time.monotonic() + self._settings.drain_s + _KILL_SECONDS
        for process_ in processes:
            process_.join(max(give_up - time.monotonic(), 0))
            if process_.exitcode is None:
                _log.error("worker did not drain in time", worker=process_.name)
                process_.kill()
                process_.join()


def serve(settings: ServiceSettings) -> None:
    """Run the workers until a signal. Raises ConfigurationError where they cannot start."""
    stop = stop_on_signal()
    with ExitStack() as stack:
        published = process.PublishedAddresses(settings)
        stack.callback(published.withdraw)
        holder, address = reserve_shared(settings.listen, settings.variable("listen"))
        stack.callback(holder.close)
        supervisor = Supervisor(settings, address)
        registry = CollectorRegistry()
        registry.register(SupervisorMetrics(supervisor.collect, supervisor.restarts))
        metrics_address = process.monitor(settings, Access(settings), registry, supervisor.is_serving, stack)
        stack.callback(supervisor.stop)
        is_published = False
        while not stop.wait(_TICK_SECONDS):
            supervisor.tend()
            if supervisor.ready and not is_published:
                published.publish(address, metrics_address)
                is_published = True
        _log.info("draining")
    _log.info("stopped")
