"""The registry's metrics: a Null implementation, and Prometheus where prometheus-client is installed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from labelwright.core.errors import ConfigurationError


class Metrics(Protocol):
    """What is counted. Every label has a small fixed set of values."""

    def pushed(self, outcome: str) -> None:
        """Count a push: created, unchanged, validated, refused or failed."""
        ...

    def alias_moved(self, kind: str) -> None:
        """Count a move of an alias: set, overridden, rollback, removed or refused."""
        ...

    def gauges(
        self, watchers: Callable[[], float], versions: Callable[[], float], open_runs: Callable[[], float]
    ) -> None:
        """Say where the present figures come from; asked at each scrape."""
        ...


class NullMetrics:
    """Counts nothing."""

    def pushed(self, outcome: str) -> None:
        """See Metrics."""

    def alias_moved(self, kind: str) -> None:
        """See Metrics."""

    def gauges(
        self, watchers: Callable[[], float], versions: Callable[[], float], open_runs: Callable[[], float]
    ) -> None:
        """See Metrics."""


class PrometheusMetrics:
    """Metrics on an HTTP port of their own."""

    def __init__(self) -> None:
        """Make the metrics. Raises ConfigurationError where prometheus-client is not installed."""
        try:
            import prometheus_client as prometheus
        except ImportError as error:
            raise ConfigurationError(
                "metrics need prometheus-client", advice="pip install 'labelwright[server]', or set no metrics address"
            ) from error
        self._prometheus = prometheus
        self.collectors = prometheus.CollectorRegistry()
        self._pushes = prometheus.Counter(
            "labelwright_registry_pushes", "Pushes by outcome.", ["outcome"], registry=self.collectors
        )
        self._moves = prometheus.Counter(
            "labelwright_registry_alias_moves", "Moves of aliases by kind.", ["kind"], registry=self.collectors
        )
        self._watchers = prometheus.Gauge(
            "labelwright_registry_watchers", "Open Watch streams.", registry=self.collectors
        )
        self._versions = prometheus.Gauge(
            "labelwright_registry_versions", "Accepted versions.", registry=self.collectors
        )
        self._open_runs = prometheus.Gauge(
            "labelwright_registry_open_runs", "Open refresh runs.", registry=self.collectors
        )

    def pushed(self, outcome: str) -> None:
        """See Metrics."""
        self._pushes.labels(outcome).inc()

    def alias_moved(self, kind: str) -> None:
        """See Metrics."""
        self._moves.labels(kind).inc()

    def gauges(
        self, watchers: Callable[[], float], versions: Callable[[], float], open_runs: Callable[[], float]
    ) -> None:
        """See Metrics."""
        self._watchers.set_function(watchers)
        self._versions.set_function(versions)
        self._open_runs.set_function(open_runs)

    def serve(self, host: str, port: int) -> tuple[int, Callable[[], None]]:
        """Serve on the address and return the port and how to stop. Raises ConfigurationError where it is taken."""
        try:
            server, thread = self._prometheus.start_http_server(port, host, self.collectors)
        except OSError as error:
            raise ConfigurationError(
                f"LABELWRIGHT_REGISTRY_METRICS_LISTEN: cannot listen on {host}:{port}: {error.strerror}"
            ) from error

        def stop() -> None:
            server.shutdown()
            server.server_close()
            thread.join()

        return server.server_port, stop
