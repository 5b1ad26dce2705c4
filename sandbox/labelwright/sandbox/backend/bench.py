"""A circuit breaker for a program: one that keeps failing at a high cost is not run for a while."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Bench:
    """Counts consecutive faults. After ``after`` of them the program is benched for ``cooldown`` seconds.

    Then one caller may try it again (half-open): one more fault benches it for another cool-down, a success frees it.
    """

    def __init__(self, after: int, cooldown: float, now: Callable[[], float] = time.monotonic) -> None:
        self._after = after
        self._cooldown = cooldown
        self._now = now
        self._faults = 0
        self._benched_until: float | None = None
        self._lock = threading.Lock()
        self.reason = ""
        """Why the program is benched; empty where it is not."""

    def admits(self) -> bool:
        """Whether the caller may run the program now. After a cool-down only one caller may, until that is judged."""
        if self._benched_until is None:
            return True
        with self._lock:
            now = self._now()
            if self._benched_until is not None:
                if now < self._benched_until:
                    return False
                self._benched_until = now + self._cooldown
            return True

    def failed(self, reason: str) -> None:
        """Count a fault."""
        with self._lock:
            self._faults += 1
            if self._faults >= self._after:
                self._benched_until = self._now() + self._cooldown
                self.reason = f"{self._faults} failures in a row, the last: {reason}"

    def succeeded(self) -> None:
        """Forget the faults."""
        if self._faults:
            with self._lock:
                self._faults, self._benched_until, self.reason = 0, None, ""
