"""Waiting for the signal that ends a server."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable


def stop_on_signal() -> threading.Event:
    """Return an event that SIGTERM and SIGINT set."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def wait_for_stop(stop: threading.Event, check: Callable[[], object] = lambda: None) -> None:
    """Return when the event is set; ``check`` is called about once a second."""
    # A wait without a time-out is deaf to a signal that comes just before it.
    while not stop.wait(1.0):
        check()
