"""A circuit breaker for each program: one that keeps failing at a high cost is not run for a while."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(slots=True)
class _State:
    faults: int = 0
    benched_until: float | None = None
    reason: str = ""


class Bench:
    """Counts consecutive faults by program. After ``after`` of them a program is benched for ``cooldown`` seconds.

    Then one caller may try it again (half-open): one more fault benches it for another cool-down, a success frees it.
    """

    def __init__(self, after: int, cooldown: float, now: Callable[[], float] = time.monotonic) -> None:
        self._after = after
        self._cooldown = cooldown
        self._now = now
        self._states: dict[int, _State] = {}
        self._lock = threading.Lock()

    @property
    def benched(self) -> Mapping[int, str]:
        """The benched programs and why."""
        if not self._states:
            return {}
        with self._lock:
            return {index: state.reason for index, state in self._states.items() if state.benched_until is not None}

    def admits(self, program: int) -> bool:
        """Whether the caller may run the program now. After a cool-down only one caller may, until that is judged."""
        with self._lock:
            state = self._states.get(program)
            if state is None or state.benched_until is None:
                return True
            now = self._now()
            if now < state.benched_until:
                return False
            state.benched_until = now + self._cooldown
            return True

    def failed(self, program: int, reason: str) -> bool:
        """Count a fault. Return whether the program is benched now."""
        with self._lock:
            state = self._states.setdefault(program, _State())
            state.faults += 1
            if state.faults >= self._after:
                state.benched_until = self._now() + self._cooldown
                state.reason = f"{state.faults} failures in a row, the last: {reason}"
            return state.benched_until is not None

    def succeeded(self, program: int) -> None:
        """Forget the program's faults."""
        if program in self._states:
            with self._lock:
                self._states.pop(program, None)
