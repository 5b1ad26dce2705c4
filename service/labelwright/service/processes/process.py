"""The label service as one process: start, wait for a signal, drain."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

import structlog
from labelwright.service.processes.app import App
from labelwright.service.settings import ServiceSettings
from labelwright.serving.access.access import Access
from labelwright.serving.addresses import require_free
from labelwright.serving.data_folder import AddressFile
from labelwright.serving.monitoring import open_monitoring
from labelwright.serving.stop_signal import stop_on_signal, wait_for_stop
from prometheus_client import CollectorRegistry

_log = structlog.get_logger(__name__)
ADDRESS_FILE = "service.address"
METRICS_ADDRESS_FILE = "metrics.address"


def serve(settings: ServiceSettings) -> None:
    """Serve until a signal. Raises ConfigurationError, SandboxUnavailable where it cannot start."""
    stop = stop_on_signal()
    with ExitStack() as stack:
        published = PublishedAddresses(settings)
        stack.callback(published.withdraw)
        require_free(settings.listen, settings.variable("listen"))
        access = Access(settings)
        app = App(settings, access)
        # Closed after the drain, so that /healthz says 503 during it.
        monitoring = stack.enter_context(ExitStack())
        stack.callback(app.drain)
        metrics_address = monitor(settings, access, app.metrics, lambda: app.serving, monitoring)
        published.publish(app.start(settings.listen), metrics_address)
        wait_for_stop(stop)
        _log.info("draining")
    _log.info("stopped")


def monitor(
    settings: ServiceSettings,
    access: Access,
    registry: CollectorRegistry,
    is_serving: Callable[[], bool],
    stack: ExitStack,
) -> str:
    """Serve metrics and health where that is asked for and return the address. Raises ConfigurationError."""
    if not settings.metrics_listen:
        return ""
    variable = settings.variable("metrics_listen")
    listener = open_monitoring(access, settings.metrics_listen, variable, registry, is_serving)
    stack.callback(listener.stop)
    return listener.address


class PublishedAddresses:
    """The addresses of a running service, in the log and in files in the data folder."""

    def __init__(self, settings: ServiceSettings) -> None:
        """Remove the files of an earlier service. Raises ConfigurationError where the folder cannot be used."""
        self._workers = settings.workers
        self._service, self._metrics = (
            AddressFile(settings.data_dir, name, settings.variable("data_dir"))
            for name in (ADDRESS_FILE, METRICS_ADDRESS_FILE)
        )

    def publish(self, address: str, metrics_address: str) -> None:
        """Publish the addresses; ``metrics_address`` is empty where there is none."""
        self._service.write(address)
        self._metrics.write(metrics_address)
        _log.info("ready", address=address, metrics_address=metrics_address, workers=self._workers)

    def withdraw(self) -> None:
        """Remove the files."""
        self._service.remove()
        self._metrics.remove()
