"""The circuit breaker in front of Redis: after a few failures nobody waits for Redis until a probe succeeds."""

from __future__ import annotations

import enum
import threading
import time

from labelwright.serving.backoff import Backoff

_FAILURES = 3
"""Failures in a row that open it."""
_PROBES = Backoff(0.25, 5.0)
"""Between probes."""


class BreakerState(enum.IntEnum):
    """The values of labelwright_redis_breaker_state."""

    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


class RedisBreaker:
    """Closed: calls pass. Open: none passes. Half open: only the probe that is due passes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures = 0
        self._failed_probes = 0
        self._probe_at = 0.0
        self.state = BreakerState.CLOSED

    def succeeded(self) -> bool:
        """Count a success; True where that closes the breaker."""
        if self.state is BreakerState.CLOSED and not self._failures:
            return False
        with self._lock:
            closes = self.state is not BreakerState.CLOSED
            self._failures = 0
            self.state = BreakerState.CLOSED
            return closes

    def failed(self) -> bool:
        """Count a failure; True where that opens the breaker."""
        with self._lock:
            self._failures += 1
            if self.state is BreakerState.CLOSED and self._failures < _FAILURES:
                return False
            opens = self.state is BreakerState.CLOSED
            self._failed_probes = 0 if opens else self._failed_probes + 1
            self._probe_at = time.monotonic() + _PROBES.pause(self._failed_probes + 1)
            self.state = BreakerState.OPEN
            return opens

    def probe_is_due(self) -> bool:
        """Whether to probe now; if so, the breaker is half open until the probe has succeeded or failed."""
        with self._lock:
            if self.state is BreakerState.OPEN and time.monotonic() >= self._probe_at:
                self.state = BreakerState.HALF_OPEN
                return True
            return False
