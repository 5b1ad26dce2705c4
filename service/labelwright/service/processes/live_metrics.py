"""The metrics that show a state: read at each scrape, so the series of a removed task disappear by themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice

from labelwright.core.alias import PRODUCTION
from labelwright.sandbox import Sandbox
from labelwright.service.answering.admission import Admission
from labelwright.service.caches.memory_cache import MemoryCache
from labelwright.service.caches.redis_cache import RedisCache, SharedCache
from labelwright.service.following.follow import Follower
from labelwright.service.following.reload import Reloader
from labelwright.service.metrics import MAX_LABELS, MAX_TASKS
from labelwright.service.shadow.shadows import Shadows
from labelwright.service.versions.directory import Directory
from labelwright.service.versions.live_version import LiveVersion
from labelwright.service.versions.loaded_versions import LoadedVersions
from labelwright.serving.rpc_server import RpcServer
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from typing_extensions import override


@dataclass(frozen=True, slots=True)
class LiveParts:
    """The parts whose state is shown."""

    directory: Directory
    versions: LoadedVersions
    reloader: Reloader
    follower: Follower
    admission: Admission
    server: RpcServer
    memory: MemoryCache
    shared: SharedCache
    shadows: Shadows
    sandbox: Sandbox


class LiveMetrics(Collector):
    """Collects gauges. At most MAX_TASKS tasks, the first by name, have series."""

    def __init__(self, parts: LiveParts) -> None:
        self._parts = parts

    @override
    def collect(self) -> Iterable[Metric]:
        live = dict(islice(sorted(self._parts.directory.live.items()), MAX_TASKS))
        yield from self._versions(live)
        yield from _references({task: named[PRODUCTION] for task, named in live.items() if PRODUCTION in named})
        yield from self._load()
        yield from self._memory()
        yield from self._caches()
        yield from self._registry()

    def _versions(self, live: Mapping[str, Mapping[str, LiveVersion]]) -> Iterable[Metric]:
        number = GaugeMetricFamily("labelwright_live_version", "Number of the version live.", labels=["task", "alias"])
        benched = GaugeMetricFamily(
            "labelwright_benched_programs", "Programs of live versions not run.", labels=["task"]
        )
        for task, named in live.items():
            for alias, version in sorted(named.items()):
                number.add_metric([task, alias], version.target.number)
            serving = {alias: version for alias, version in named.items() if alias != self._parts.shadows.alias}
            different = {version.target.digest: version for version in serving.values()}
            benched.add_metric([task], sum(len(version.executable.benched) for version in different.values()))
        failing = GaugeMetricFamily(
            "labelwright_reload_failing", "Version wanted that does not load.", labels=["task", "alias", "reason"]
        )
        for (task, alias), failure in islice(sorted(self._parts.reloader.failures.copy().items()), MAX_TASKS):
            failing.add_metric([task, alias, failure.reason], failure.target.number)
        loaded = GaugeMetricFamily("labelwright_loaded_versions", "Versions in memory.")
        loaded.add_metric([], len(self._parts.versions.versions()))
        return number, benched, failing, loaded

    def _load(self) -> Iterable[Metric]:
        admission = self._parts.admission
        return (
            _gauge("labelwright_in_flight_requests", "Requests being answered.", admission.requests),
            _gauge("labelwright_in_flight_records", "Records being answered.", admission.records),
            _gauge("labelwright_open_streams", "LabelStream calls open.", admission.streams),
            _gauge("labelwright_waiting_requests", "Requests that wait for a thread.", self._parts.server.waiting),
        )

    def _memory(self) -> Iterable[Metric]:
        used = self._parts.sandbox.memory_used_bytes
        return (_gauge("labelwright_sandbox_memory_bytes", "Memory of programs that are loaded or run.", used),)

    def _caches(self) -> Iterable[Metric]:
        entries, size = self._parts.memory.size()
        yield _gauge("labelwright_memory_cache_entries", "Answers kept in memory.", entries)
        yield _gauge("labelwright_memory_cache_bytes", "Their size, about.", size)
        if isinstance(self._parts.shared, RedisCache):
            cache = self._parts.shared
            yield _gauge("labelwright_redis_breaker_state", "0 closed, 1 half open, 2 open.", cache.breaker.state)
            yield _gauge("labelwright_redis_queue_batches", "Batches waiting to be written to Redis.", cache.waiting)

    def _registry(self) -> Iterable[Metric]:
        follower = self._parts.follower
        return (
            _gauge("labelwright_registry_connected", "Whether the registry is heard.", follower.connected),
            _gauge("labelwright_registry_refused", "Whether it is heard and not followed.", follower.refused),
            _gauge("labelwright_registry_revision", "Revision of the registry that was last heard.", follower.revision),
        )


def _references(live: Mapping[str, LiveVersion]) -> Iterable[Metric]:
    share = GaugeMetricFamily(
        "labelwright_reference_label_share", "Label's share of labeled rows at acceptance.", labels=["task", "label"]
    )
    figures = {
        name: GaugeMetricFamily(f"labelwright_reference_{name}", f"{text} at acceptance.", labels=["task"])
        for name, text in (
            ("rows", "Rows seen"),
            ("coverage", "Share of rows labeled"),
            ("conflict", "Share of rows in conflict"),
            ("error", "Share of votes that were errors"),
        )
    }
    for task, version in live.items():
        reference = version.reference
        if reference is None:
            continue
        for label in version.task.label_names[:MAX_LABELS]:
            share.add_metric([task, label], reference.label_shares.get(label, 0.0))
        for name, figure in figures.items():
            figure.add_metric([task], getattr(reference, name))
    return share, *figures.values()


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=float(value))
