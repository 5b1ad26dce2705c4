"""Turns: how many bundles are judged at once, and how many may wait for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from labelwright.core.errors import Overloaded

MAX_WAIT_SECONDS = 30.0
_RETRY_SECONDS = 5.0


class Turns:
    """Lets ``running`` callers in at a time and ``waiting`` more wait; each waits in a thread that others may need."""

    def __init__(self, running: int, waiting: int) -> None:
        self._running = threading.BoundedSemaphore(running)
        self._admitted = threading.BoundedSemaphore(running + waiting)

    @contextmanager
    def take(self, deadline: float) -> Iterator[None]:
        """Wait for a turn until ``deadline`` (time.monotonic()), but never long. Raises Overloaded."""
        if not self._admitted.acquire(blocking=False):
            raise _overloaded()
        try:
            left = max(0.0, min(MAX_WAIT_SECONDS, deadline - time.monotonic()))
            if not self._running.acquire(timeout=left):
                raise _overloaded()
            try:
                yield
            finally:
                self._running.release()
        finally:
            self._admitted.release()


def _overloaded() -> Overloaded:
    return Overloaded("the registry is judging other bundles", retry_after=_RETRY_SECONDS, advice="push again later")
