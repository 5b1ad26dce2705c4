"""Pauses between attempts at something that keeps failing: doubled each time, up to a longest one."""

from __future__ import annotations

from dataclasses import dataclass

_MOST_DOUBLINGS = 64
"""Enough to reach any longest pause; without a bound the power of two overflows after a thousand failures."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential backoff. Both are in seconds."""

    first: float
    longest: float

    def pause(self, failures: int) -> float:
        """Return how long to wait after so many failures in a row, at least 1."""
        return min(self.first * 2.0 ** min(failures - 1, _MOST_DOUBLINGS), self.longest)
