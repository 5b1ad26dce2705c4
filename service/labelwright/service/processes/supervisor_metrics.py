"""Metrics of all workers in one exposition: each worker's series with a label that names the worker.

Not summed here: a worker that is restarted begins at zero, and Prometheus sees that as the reset of that worker's
series and not as a fall of a sum. Queries sum over workers as they sum over machines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from typing_extensions import override

WORKER_LABEL = "worker"


class SupervisorMetrics(Collector):
    """Collects from the workers at each scrape."""

    def __init__(
        self, collect: Callable[[], Mapping[int, Iterable[Metric]]], states: Callable[[], Mapping[int, int]]
    ) -> None:
        """``collect`` returns each running worker's families, ``states`` each worker's restarts."""
        self._collect = collect
        self._states = states

    @override
    def collect(self) -> Iterable[Metric]:
        merged: dict[str, Metric] = {}
        answered = self._collect()
        for worker, families in answered.items():
            for family in families:
                into = merged.setdefault(
                    family.name, Metric(family.name, family.documentation, family.type, family.unit)
                )
                into.samples += [
                    sample._replace(labels={**sample.labels, WORKER_LABEL: str(worker)}) for sample in family.samples
                ]
        yield from merged.values()
        up = GaugeMetricFamily("labelwright_worker_up", "Whether the worker answers.", labels=[WORKER_LABEL])
        restarts = CounterMetricFamily(
            "labelwright_worker_restarts", "Restarts of a dead worker.", labels=[WORKER_LABEL]
        )
        for worker, count in self._states().items():
            up.add_metric([str(worker)], float(worker in answered))
            restarts.add_metric([str(worker)], count)
        yield up
        yield restarts

    def describe(self) -> Iterable[Metric]:
        """Return nothing: asking the workers when this is registered would be too early."""
        return ()
