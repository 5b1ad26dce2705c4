"""The label service as one process: start, wait for a signal, drain."""

from __future__ import annotations

import threading

import structlog
from labelwright.core.errors import ConfigurationError
from labelwright.service.processes.app import App
from labelwright.service.settings import ENV_PREFIX, Settings
from labelwright.serving.addresses import reserve, serve_metrics, write_address
from labelwright.serving.stop_signal import stop_on_signal, wait_for_stop

_log = structlog.get_logger(__name__)
_STACK_BYTES = 8 << 20
ADDRESS_FILE = "service.address"
METRICS_ADDRESS_FILE = "metrics.address"


def use_deep_stacks() -> None:
    """Give the threads made from now on the stack that WebAssembly code needs, whatever the system's default."""
    threading.stack_size(_STACK_BYTES)


def run(settings: Settings) -> int:
    """Serve until a signal; return the exit code. Raises ConfigurationError, SandboxUnavailable."""
    stop = stop_on_signal()
    use_deep_stacks()
    # An address file from before would name a server that is gone.
    clear_addresses(settings)
    holder, address = reserve(settings.listen, f"{ENV_PREFIX}LISTEN", shared=False)
    app = App(settings)
    holder.close()
    try:
        metrics_address = _serve_metrics(settings, app)
        app.start(address)
    except ConfigurationError:
        app.drain()
        raise
    publish(settings, address, metrics_address)
    wait_for_stop(stop)
    _log.info("draining")
    app.drain()
    clear_addresses(settings)
    _log.info("stopped")
    return 0


def _serve_metrics(settings: Settings, app: App) -> str:
    if not settings.metrics_listen:
        return ""
    return serve_metrics(settings.metrics_listen, f"{ENV_PREFIX}METRICS_LISTEN", app.metrics)


def publish(settings: Settings, address: str, metrics_address: str) -> None:
    """Say where the service is: in the log and in files."""
    write_address(settings.data_dir / ADDRESS_FILE, address)
    if metrics_address:
        write_address(settings.data_dir / METRICS_ADDRESS_FILE, metrics_address)
    _log.info("ready", address=address, metrics_address=metrics_address, workers=settings.workers)


def clear_addresses(settings: Settings) -> None:
    """Remove the address files."""
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        for name in (ADDRESS_FILE, METRICS_ADDRESS_FILE):
            (settings.data_dir / name).unlink(missing_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"{ENV_PREFIX}DATA_DIR: cannot use {settings.data_dir}: {error.strerror}",
            advice="name a folder that this user may write to",
        ) from None
