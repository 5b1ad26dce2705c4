"""A circuit breaker for a program: one that fails too often at a high cost is not run for a while."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

_WINDOW = 4
"""The last runs that count, as a multiple of the faults that bench: a quarter of them is too many."""


class Bench:
    """Counts faults among the last ``4 * after`` runs; ``after`` of them bench the program for ``cooldown`` seconds.

    Then one caller may try it again (half-open): one more fault benches it for another cool-down, a success frees it.
    """

    def __init__(self, after: int, cooldown: float, now: Callable[[], float] = time.monotonic) -> None:
        self._after = after
        self._cooldown = cooldown
        self._now = now
        self._runs: deque[bool] = deque(maxlen=_WINDOW * after)
        """Whether each run failed, from the first fault on."""
        self._benched_until: float | None = None
        self._is_trying = False
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
                self._is_trying = True
            return True

    def failed(self, reason: str) -> None:
        """Count a run that failed."""
        with self._lock:
            self._runs.append(True)
            faults = sum(self._runs)
            if faults >= self._after or self._is_trying:
                self._benched_until = self._now() + self._cooldown
                self._is_trying = False
                self.reason = f"{faults} of the last {len(self._runs)} runs failed, the last: {reason}"

    def succeeded(self) -> None:
        """Count a run that did not fail."""
        if not self._runs:
            return
        with self._lock:
            if self._is_trying:
                self._runs.clear()
                self._benched_until, self._is_trying, self.reason = None, False, ""
            else:
                self._runs.append(False)
                if not any(self._runs):
                    self._runs.clear()
