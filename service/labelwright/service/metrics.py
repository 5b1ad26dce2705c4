"""The metrics that count events. docs/metrics.md describes each one, with its labels and their bounds.

Every label's values come from a closed set: the contract's methods, the reasons of labelwright.core.errors, and the
tasks, programs and labels of versions that the registry accepted. No text of a caller becomes a label's value.

Every counter is there at 0 before it counts anything: Prometheus sees no increase in a series that begins at 300.
"""

from __future__ import annotations

import threading
from collections import Counter as Tally
from collections.abc import Sequence

from labelwright.core import errors
from labelwright.core.errors import LabelwrightError
from labelwright.core.vote import ABSTAIN, VoteError
from labelwright.service.answer import LabelAnswer
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

OTHER = "_other"
"""Stands for everything above a bound; no task, label or program can have this name."""
MAX_TASKS = 200
MAX_LABELS = 100
MAX_PROGRAMS = 64
"""The most values that a metric's label takes: tasks in total, labels and programs of one task."""

SECONDS = (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
RECORDS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096)
REASONS = frozenset(
    cls.reason for cls in vars(errors).values() if isinstance(cls, type) and issubclass(cls, LabelwrightError)
)
_INTERNAL = "INTERNAL"

disable_created_metrics()  # type: ignore[no-untyped-call]

_Family = Counter | Gauge | Histogram


def reason_of(error: Exception) -> str:
    """Return the error's reason as metrics count it: one of a closed set."""
    reason = error.reason if isinstance(error, LabelwrightError) else _INTERNAL
    return reason if reason in REASONS else _INTERNAL


class ServiceMetrics:
    """All counters and histograms of one process, in a collector registry of their own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.requests = Counter("labelwright_requests", "Requests answered.", ["method", "outcome"], registry=registry)
        self.request_seconds = Histogram(
            "labelwright_request_seconds", "Time to answer a request.", ["method"], buckets=SECONDS, registry=registry
        )
        self.batch_records = Histogram(
            "labelwright_batch_records", "Records of a LabelBatch request.", buckets=RECORDS, registry=registry
        )
        self.record_errors = Counter(
            "labelwright_record_errors", "Records of batches and streams not labeled.", ["reason"], registry=registry
        )
        for reason in REASONS:
            self.record_errors.labels(reason)
        self.cache_lookups = Counter(
            "labelwright_cache_lookups", "Records looked up in a cache.", ["layer", "result"], registry=registry
        )
        self.redis_seconds = Histogram(
            "labelwright_redis_seconds", "Time of one lookup in Redis.", buckets=SECONDS, registry=registry
        )
        self.redis_writes = Counter(
            "labelwright_redis_writes", "Answers on their way to Redis.", ["result"], registry=registry
        )
        self.recent_records = Counter(
            "labelwright_recent_records",
            "Records on their way into the sample of recent ones.",
            ["result"],
            registry=registry,
        )
        self.reloads = Counter(
            "labelwright_reloads", "Versions loaded for a preloaded alias.", ["result"], registry=registry
        )
        for result in ("ok", "failed"):
            self.reloads.labels(result)
        self.records = Counter("labelwright_records", "Records answered.", ["task", "source"], registry=registry)
        self.sandbox_seconds = Histogram(
            "labelwright_sandbox_seconds",
            "Time of one call of the sandbox.",
            ["task"],
            buckets=SECONDS,
            registry=registry,
        )
        self.labels = Counter("labelwright_labels", "Records that got a label.", ["task", "label"], registry=registry)
        self.abstentions = Counter("labelwright_abstentions", "Records that got no label.", ["task"], registry=registry)
        self.conflicts = Counter(
            "labelwright_conflicts", "Records on which two programs gave different labels.", ["task"], registry=registry
        )
        self.votes = Counter(
            "labelwright_votes", "Votes behind the answers, errors included.", ["task"], registry=registry
        )
        self.program_errors = Counter(
            "labelwright_program_errors",
            "Error votes behind the answers.",
            ["task", "program", "kind"],
            registry=registry,
        )
        self.other_records = Counter(
            "labelwright_other_records",
            "Records answered otherwise than by the alias production.",
            ["task"],
            registry=registry,
        )
        # Registered before the counters: a scrape between two shadows must not show the old counts as the new one's.
        self.shadow_version = Gauge(
            "labelwright_shadow_version", "Number of the version evaluated in the shadow.", ["task"], registry=registry
        )
        self.shadow_records = self._shadow("records", "Records on which the candidate was evaluated.")
        self.shadow_agreements = self._shadow("agreements", "Those on which it said what production said.")
        self.shadow_labels = self._shadow("labels", "Those that got a label from it.", "label")
        self.shadow_abstentions = self._shadow("abstentions", "Those that got none from it.")
        self.shadow_production_labels = self._shadow("production_labels", "Those labeled by production.", "label")
        self.shadow_production_abstentions = self._shadow("production_abstentions", "Those not labeled by it.")
        self.shadow_votes = self._shadow("votes", "Votes of the candidate, errors included.")
        self.shadow_errors = self._shadow("errors", "Error votes of the candidate.")
        self.shadow_dropped = self._shadow("dropped", "Records chosen and not evaluated.")
        self._series: Tally[tuple[_Family, tuple[str, ...]]] = Tally()
        self._tasks: Tally[str] = Tally()
        self._lock = threading.Lock()

    def meter(self, task: str, labels: Sequence[str], programs: Sequence[str]) -> VersionMeter:
        """Return the meter of one version's answers; ``drop`` it when the version is closed."""
        return VersionMeter(self, task, labels, programs)

    def enter(self, task: str) -> str:
        """Return the task's name in series; ``release`` must follow."""
        with self._lock:
            if task not in self._tasks and len(self._tasks) >= MAX_TASKS:
                task = OTHER
            self._tasks[task] += 1
            return task

    def hold(self, family: _Family, values: tuple[str, ...]) -> None:
        """Keep a series until it was released as often as it was held."""
        with self._lock:
            self._series[family, values] += 1

    def release(self, task: str, series: Sequence[tuple[_Family, tuple[str, ...]]]) -> None:
        """Release a version's series; those that no other meter holds are removed."""
        with self._lock:
            self._tasks[task] -= 1
            self._tasks += Tally()  # drops the zeros
            for family, values in series:
                self._series[family, values] -= 1
                if not self._series[family, values]:
                    del self._series[family, values]
                    family.remove(*values)

    def _shadow(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"labelwright_shadow_{name}", text, ["task", *labels], registry=self.registry)


class Meter:
    """Series of one task that are looked up once and live until ``drop``."""

    def __init__(self, metrics: ServiceMetrics, task: str) -> None:
        self._metrics = metrics
        self._task = metrics.enter(task)
        self._held: list[tuple[_Family, tuple[str, ...]]] = []

    def drop(self) -> None:
        """Release the series."""
        self._metrics.release(self._task, self._held)

    def _counter(self, family: Counter, *values: str) -> Counter:
        """Return the task's series, which exists from now on and begins at 0."""
        self._hold(family, (self._task, *values))
        return family.labels(self._task, *values)

    def _label_counters(self, family: Counter, labels: Sequence[str]) -> list[Counter]:
        return [self._counter(family, label if i < MAX_LABELS else OTHER) for i, label in enumerate(labels)]

    def _hold(self, family: _Family, values: tuple[str, ...]) -> None:
        self._metrics.hold(family, values)
        self._held.append((family, values))


class VersionMeter(Meter):
    """Counts what one version answers."""

    def __init__(self, metrics: ServiceMetrics, task: str, labels: Sequence[str], programs: Sequence[str]) -> None:
        super().__init__(metrics, task)
        self._labels = self._label_counters(metrics.labels, labels)
        self._abstentions = self._counter(metrics.abstentions)
        self._conflicts = self._counter(metrics.conflicts)
        self._votes = self._counter(metrics.votes)
        self._others = self._counter(metrics.other_records)
        self._sources = {
            source: self._counter(metrics.records, name)
            for source, name in ((1, "computed"), (2, "memory"), (3, "redis"))
        }
        self._errors = {
            (i, int(kind)): self._counter(metrics.program_errors, program if i < MAX_PROGRAMS else OTHER, kind.name)
            for i, program in enumerate(programs)
            for kind in VoteError
        }
        self._hold(metrics.sandbox_seconds, (self._task,))
        self.sandbox_seconds = metrics.sandbox_seconds.labels(self._task)

    def count(self, answers: Sequence[LabelAnswer], sources: Sequence[int], *, production: bool) -> None:
        """Count the answers of one request.

        Labels, abstentions, conflicts and votes are what drift is measured by, so they are counted only for
        ``production``: a candidate that somebody tries out must not look like drift.
        """
        if not production:
            self._others.inc(len(answers))
        if len(answers) == 1:
            self._sources[sources[0]].inc()
            if production:
                self._count(answers[0], 1)
            return
        for source, times in Tally(sources).items():
            self._sources[source].inc(times)
        if production:
            for answer, times in Tally(answers).items():
                self._count(answer, times)

    def _count(self, answer: LabelAnswer, times: int) -> None:
        label = answer.decision.label
        (self._abstentions if label == ABSTAIN else self._labels[label]).inc(times)
        self._votes.inc(times * len(answer.votes))
        if answer.conflict:
            self._conflicts.inc(times)
        for error in answer.errors:
            self._errors[error].inc(times)
