"""A worker process below the supervisor: serves on the shared port and answers over a pipe.

The pipe is also how a worker notices that its supervisor is gone: then it drains and ends, so that no orphan keeps
the port.
"""

from __future__ import annotations

import sys
import threading
from multiprocessing.connection import Connection

import structlog
from labelwright.core.errors import ConfigurationError, LabelwrightError
from labelwright.service.processes import process
from labelwright.service.processes.app import App
from labelwright.service.settings import Settings
from labelwright.serving.logs import configure_logs
from labelwright.serving.stop_signal import stop_on_signal, wait_for_stop

_log = structlog.get_logger(__name__)
READY = "ready"
COLLECT = "collect"


def main(settings: Settings, index: int, address: str, pipe: Connection) -> None:
    """Run until a signal or the end of the pipe; ends the process with an exit code."""
    configure_logs(settings.log_level.value, worker=index)
    stop = stop_on_signal()
    process.use_deep_stacks()
    try:
        app = App(settings)
        app.start(address)
    except LabelwrightError as error:
        _log.error("worker cannot start", reason=error.reason, error=error.message)
        sys.exit(2 if isinstance(error, ConfigurationError) else 1)
    pipe.send(READY)
    threading.Thread(target=_answer, args=(app, pipe, stop), name="supervisor", daemon=True).start()
    wait_for_stop(stop)
    app.drain()
    sys.exit(0)


def _answer(app: App, pipe: Connection, stop: threading.Event) -> None:
    """Answer each request for metrics with the question's number and the metric families."""
    try:
        while True:
            _, number = pipe.recv()
            pipe.send((number, list(app.metrics.collect())))
    except (EOFError, OSError):
        stop.set()
