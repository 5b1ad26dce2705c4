"""The circuit breaker in front of Redis: after a few failures nobody waits for it until a probe succeeds."""

from __future__ import annotations

import enum
import threading
import time

from labelwright.serving.backoff import Backoff

_FAILURES = 3
"""In a row, until it opens."""
_PROBES = Backoff(0.25, 5.0)
"""Between probes."""


class BreakerState(enum.IntEnum):
    """The values that the metric shows."""

    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


class RedisBreaker:
    """Closed: calls pass. Open: none does. Half open: the one probe that is due passes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures = 0
        self._failed_probes = 0
        self._probe_at = 0.0
        self.state = BreakerState.CLOSED

    def succeeded(self) -> bool:
        """Take a success into account; True where that closed it."""
        if self.state is BreakerState.CLOSED and not self._failures:
            return False
        with self._lock:
            closed = self.state is not BreakerState.CLOSED
            self._failures = 0
            self.state = BreakerState.CLOSED
            return closed

    def failed(self) -> bool:
        """Take a failure into account; True where that opened it."""
        with self._lock:
            self._failures += 1
            if self.state is BreakerState.CLOSED and self._failures < _FAILURES:
                return False
            opened = self.state is BreakerState.CLOSED
            self._failed_probes = 0 if opened else self._failed_probes + 1
            self._probe_at = time.monotonic() + _PROBES.pause(self._failed_probes + 1)
            self.state = BreakerState.OPEN
            return opened

    def probe_is_due(self) -> bool:
        """Whether to probe now: then the breaker is half open until the probe's outcome is told."""
        with self._lock:
            if self.state is BreakerState.OPEN and time.monotonic() >= self._probe_at:
                self.state = BreakerState.HALF_OPEN
                return True
            return False
