"""The worker's metrics. docs/worker.md describes each one, with its labels and their bounds.

Every counter is there at 0 before it counts anything: Prometheus sees no increase in a series that begins at 1.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import get_args

from labelwright.core.run import ENDS, OPEN, Run, RunCost, RunState
from labelwright.worker.policy import ObstacleKind
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

OTHER = "_other"
"""Stands for every task above the bound, and for alerts of a task that the registry does not have."""
MAX_TASKS = 200
OPENED, UNKNOWN, MALFORMED = "opened", "unknown", "malformed"
"""Results of an alert, beside the kinds of obstacles."""
SECONDS = (1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14_400.0, 86_400.0)

disable_created_metrics()  # type: ignore[no-untyped-call]


class WorkerMetrics:
    """All metrics of one process, in a collector registry of their own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self._alerts = Counter(
            "labelwright_refresh_alerts", "Alerts seen, by result.", ["task", "result"], registry=registry
        )
        self._runs = Counter("labelwright_refresh_runs", "Runs ended here.", ["task", "outcome"], registry=registry)
        self._open = Gauge(
            "labelwright_refresh_open", "Open runs, whoever works on them.", ["task", "state"], registry=registry
        )
        self._held = Gauge("labelwright_refresh_held", "Runs that this worker works on.", registry=registry)
        self._steps = Histogram(
            "labelwright_refresh_step_seconds", "Time in a state.", ["state"], buckets=SECONDS, registry=registry
        )
        self._calls = Counter("labelwright_refresh_calls", "Calls of the LLM paid for.", ["task"], registry=registry)
        self._tokens = Counter("labelwright_refresh_tokens", "Tokens of the LLM paid for.", ["task"], registry=registry)
        self._dollars = Counter("labelwright_refresh_dollars", "Dollars paid to the LLM.", ["task"], registry=registry)
        self._failures = Counter("labelwright_refresh_poll_failures", "Polls that failed.", ["part"], registry=registry)
        self._last_poll = Gauge(
            "labelwright_refresh_last_poll_timestamp_seconds", "Time of the last whole poll.", registry=registry
        )
        self._tasks: set[str] = set()
        self._lock = threading.Lock()
        for result in (UNKNOWN, MALFORMED):
            self._alerts.labels(OTHER, result)
        for state in OPEN:
            self._steps.labels(state.value)
        for part in ("registry", "prometheus"):
            self._failures.labels(part)

    def know(self, tasks: Iterable[str]) -> None:
        """Let the counters of these tasks begin, unless they have begun."""
        for task in tasks:
            self._bounded(task)

    def alert(self, task: str, result: str) -> None:
        """Count an alert by its result; ``task`` is empty where it has none, or none that the registry has."""
        self._alerts.labels(self._bounded(task) if task else OTHER, result).inc()

    def stepped(self, task: str, state: RunState, to_state: RunState, seconds: float) -> None:
        """Count a step from one state to the next, and the seconds that the run was in the first."""
        self._steps.labels(state.value).observe(max(seconds, 0.0))
        if to_state.is_end:
            self._runs.labels(self._bounded(task), to_state.value).inc()

    def spent(self, task: str, cost: RunCost) -> None:
        """Count the cost of calls to the LLM; dollars only where they are known."""
        name = self._bounded(task)
        self._calls.labels(name).inc(cost.calls)
        self._tokens.labels(name).inc(cost.tokens)
        self._dollars.labels(name).inc(cost.dollars or 0.0)

    def polled(self, open_runs: Iterable[Run], held_runs: int, now: float) -> None:
        """Show which runs are open, how many this worker holds, and the time of this poll; ``now`` is a Unix time."""
        self._open.clear()
        for run in open_runs:
            for state in OPEN:
                self._open.labels(self._bounded(run.task), state.value).inc(float(run.state is state))
        self._held.set(held_runs)
        self._last_poll.set(now)

    def failed(self, part: str) -> None:
        """Count a poll that failed: registry or prometheus."""
        self._failures.labels(part).inc()

    def _bounded(self, task: str) -> str:
        with self._lock:
            name = task if task in self._tasks or len(self._tasks) < MAX_TASKS else OTHER
            if name not in self._tasks:
                self._tasks.add(name)
                self._begin(name)
            return name

    def _begin(self, name: str) -> None:
        for result in (OPENED, *get_args(ObstacleKind)):
            self._alerts.labels(name, result)
        for state in ENDS:
            self._runs.labels(name, state.value)
        for counter in (self._calls, self._tokens, self._dollars):
            counter.labels(name)
