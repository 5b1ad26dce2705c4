"""The registry's metrics. docs/registry.md describes each one. Every label has a small fixed set of values.

Every counter is there at 0 before it counts anything: Prometheus sees no increase in a series that begins at 1.
"""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, disable_created_metrics

disable_created_metrics()  # type: ignore[no-untyped-call]


class RegistryMetrics:
    """All metrics of one process, in a collector registry of their own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self._pushes = Counter("labelwright_registry_pushes", "Pushes by outcome.", ["outcome"], registry=registry)
        self._moves = Counter(
            "labelwright_registry_alias_moves", "Moves of aliases by kind.", ["kind"], registry=registry
        )
        for outcome in ("created", "unchanged", "validated", "refused", "failed"):
            self._pushes.labels(outcome)
        for kind in ("set", "overridden", "rollback", "removed", "refused"):
            self._moves.labels(kind)
        self._watchers = Gauge("labelwright_registry_watchers", "Open Watch streams.", registry=registry)
        self._versions = Gauge("labelwright_registry_versions", "Accepted versions.", registry=registry)
        self._open_runs = Gauge("labelwright_registry_open_runs", "Open refresh runs.", registry=registry)

    def pushed(self, outcome: str) -> None:
        """Count a push: created, unchanged, validated, refused or failed."""
        self._pushes.labels(outcome).inc()

    def alias_moved(self, kind: str) -> None:
        """Count a move of an alias: set, overridden, rollback, removed or refused."""
        self._moves.labels(kind).inc()

    def gauges(
        self, watchers: Callable[[], float], versions: Callable[[], float], open_runs: Callable[[], float]
    ) -> None:
        """Set the functions that return the current figures; each is called at every scrape."""
        self._watchers.set_function(watchers)
        self._versions.set_function(versions)
        self._open_runs.set_function(open_runs)
