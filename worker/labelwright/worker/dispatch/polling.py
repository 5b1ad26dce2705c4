"""What is polled: alerts that fire, runs that wait, aliases that ended runs have left behind."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import TypeVar

import structlog
from labelwright.client import Registry, RunClient
from labelwright.core.errors import LabelwrightError, RunNotFound
from labelwright.core.run import Run
from labelwright.worker.dispatch.crew import Crew
from labelwright.worker.metrics import MALFORMED, WorkerMetrics
from labelwright.worker.prometheus import Alert, Prometheus
from labelwright.worker.runs.opening import Opener
from labelwright.worker.runs.production import CANDIDATE, drop_candidate, run_of_candidate

_Found = TypeVar("_Found")

_NAMED = 10
"""Alerts left out that the log names; all are counted."""

_log = structlog.get_logger(__name__)


class Poller:
    """Polls once at each call. What cannot be reached is polled again at the next."""

    def __init__(
        self,
        registry: Registry,
        runs: RunClient,
        prometheus: Prometheus | None,
        opener: Opener,
        crew: Crew,
        metrics: WorkerMetrics,
    ) -> None:
        self._registry = registry
        self._runs = runs
        self._prometheus = prometheus
        self._opener = opener
        self._crew = crew
        self._metrics = metrics
        self._failing: set[str] = set()
        self._left_out: list[str] = []

    def poll(self) -> None:
        """Open runs for alerts, claim runs, clean up."""
        self._attempt("registry", self._tidy)
        self.claim()
        if self._prometheus is not None:
            for alert in self._attempt("prometheus", functools.partial(self._read, self._prometheus)) or []:
                self._attempt("registry", functools.partial(self._consider, alert))
            self.claim()
        self._attempt("registry", self._report)

    def claim(self) -> None:
        """Only claim runs: a person who asked for one is waiting."""
        self._attempt("registry", self._crew.claim)

    def _read(self, prometheus: Prometheus) -> list[Alert]:
        """Return the alerts that can be read; count the others, and log them where they are not those of last time."""
        alerts, left_out = prometheus.alerts()
        for _ in left_out:
            self._metrics.alert("", MALFORMED)
        if left_out and left_out != self._left_out:
            _log.warning("malformed alerts left out", count=len(left_out), left_out=left_out[:_NAMED])
        self._left_out = left_out
        return alerts

    def _consider(self, alert: Alert) -> None:
        start = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(alert.since))
        occasion = f"{alert.name}/{alert.task}@{alert.since}"
        self._opener.consider(alert.task, occasion, f"{alert.name} is active since {start}")

    def _report(self) -> None:
        self._metrics.polled(self._runs.list(open=True), self._crew.held, time.time())

    def _tidy(self) -> None:
        """Begin each task's metrics; remove the alias ``candidate`` of runs that a person has ended."""
        tasks = list(self._registry.tasks())
        self._metrics.know(task.name for task in tasks)
        for task in tasks:
            if any(alias.name == CANDIDATE for alias in task.aliases):
                run = self._run_of(task.name)
                if run is not None and run.state.is_end:
                    drop_candidate(self._registry, run)

    def _run_of(self, task: str) -> Run | None:
        """Return the run that set the task's candidate, None where a person did."""
        run_id = run_of_candidate(self._registry, task)
        try:
            return self._runs.get(run_id) if run_id else None
        except RunNotFound:  # a person gave a reason that looks like a run's
            return None

    def _attempt(self, part: str, call: Callable[[], _Found]) -> _Found | None:
        """Return the result of the call, None where the part is unavailable; log when that begins and ends."""
        try:
            result = call()
        except LabelwrightError as error:
            self._metrics.failed(part)
            if part not in self._failing:
                _log.warning("cannot poll", part=part, reason=error.message)
            self._failing.add(part)
            return None
        if part in self._failing:
            self._failing.discard(part)
            _log.info("can poll again", part=part)
        return result
