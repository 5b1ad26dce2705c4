"""A worker process below the supervisor: serves on the shared port and answers questions over a pipe.

A worker also notices by the pipe that its supervisor has died: then it drains and ends, so that no orphan keeps the
port.
"""

from __future__ import annotations

import sys
import threading
from functools import partial
from multiprocessing.connection import Connection

import structlog
from labelwright.core.errors import LabelwrightError
from labelwright.service.processes.app import App
from labelwright.service.settings import ServiceSettings
from labelwright.serving.access.access import Access
from labelwright.serving.background import start_thread
from labelwright.serving.main import exit_of, prepare_process
from labelwright.serving.stop_signal import stop_on_signal, wait_for_stop

_log = structlog.get_logger(__name__)
READY = "ready"
COLLECT = "collect"
IS_SERVING = "is_serving"


def main(settings: ServiceSettings, index: int, address: str, pipe: Connection) -> None:
    """Run until a signal or the end of the pipe; ends the process with an exit code."""
    prepare_process(settings, worker=index)
    stop = stop_on_signal()
    try:
        app = App(settings, Access(settings))
        app.start(address)
    except LabelwrightError as error:
        _log.error("worker cannot start", reason=error.reason, error=error.message)
        sys.exit(exit_of(error))
    pipe.send(READY)
    start_thread("supervisor", partial(_answer, app, pipe, stop))
    wait_for_stop(stop)
    app.drain()
    sys.exit(0)


def _answer(app: App, pipe: Connection, stop: threading.Event) -> None:
    """Answer each question with its number and either the metric families or whether this worker serves."""
    try:
        while True:
            question, number = pipe.recv()
            pipe.send((number, app.serving if question == IS_SERVING else list(app.metrics.collect())))
    except (EOFError, OSError):
        stop.set()
