"""Metrics of all workers in one exposition: each worker's series with a label that names the worker.

They are not summed: a restarted worker begins at zero, which Prometheus sees as a reset of that worker's series and not
as a drop of a sum. Queries sum over workers as they sum over machines.
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
        families_by_name: dict[str, Metric] = {}
        families_by_worker = self._collect()
        for worker, families in families_by_worker.items():
            for family in families:
                into = families_by_name.setdefault(
                    family.name, Metric(family.name, family.documentation, family.type, family.unit)
                )
                into.samples += [
                    sample._replace(labels={**sample.labels, WORKER_LABEL: str(worker)}) for sample in family.samples
                ]
        yield from families_by_name.values()
        up = GaugeMetricFamily("labelwright_worker_up", "Whether the worker answers.", labels=[WORKER_LABEL])
        restarts = CounterMetricFamily(
            "labelwright_worker_restarts", "Restarts of a dead worker.", labels=[WORKER_LABEL]
        )
        for worker, count in self._states().items():
            up.add_metric([str(worker)], float(worker in families_by_worker))
            restarts.add_metric([str(worker)], count)
        yield up
        yield restarts

    def describe(self) -> Iterable[Metric]:
        """Return nothing: when this is registered, no worker can answer yet."""
        return ()
