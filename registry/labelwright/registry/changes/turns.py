"""Turns: how many bundles are judged at once, and how many more may wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from labelwright.core.errors import Overloaded

MAX_WAIT_SECONDS = 30.0
_RETRY_SECONDS = 5.0


class Turns:
    """Admits some callers at a time and lets some more wait; the bound is because each waits in a thread."""

    def __init__(self, max_running: int, max_waiting: int) -> None:
        self._running = threading.BoundedSemaphore(max_running)
        self._admitted = threading.BoundedSemaphore(max_running + max_waiting)

    @contextmanager
    def take(self, deadline: float) -> Iterator[None]:
        """Wait for a turn until ``deadline`` (time.monotonic()), at most MAX_WAIT_SECONDS. Raises Overloaded."""
        if not self._admitted.acquire(blocking=False):
            raise _overloaded()
        try:
            seconds = max(0.0, min(MAX_WAIT_SECONDS, deadline - time.monotonic()))
            if not self._running.acquire(timeout=seconds):
                raise _overloaded()
            try:
                yield
            finally:
                self._running.release()
        finally:
            self._admitted.release()


def _overloaded() -> Overloaded:
    return Overloaded("the registry is judging other bundles", retry_after=_RETRY_SECONDS, advice="push again later")
