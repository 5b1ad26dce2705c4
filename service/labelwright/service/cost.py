"""What calls cost: moving averages by batch size, for the choice between Redis and computing."""

from __future__ import annotations

_WEIGHT = 0.1
"""Of a new measurement in the average: the last twenty or so decide."""
_CLASSES = 16


class Cost:
    """Seconds of a call as a function of how many records it carries.

    A call has a fixed and a variable part, and the two differ between Redis and the sandbox; so each power of two
    has an average of its own. Races between threads lose a measurement at worst.
    """

    def __init__(self) -> None:
        self._seconds: list[float | None] = [None] * _CLASSES

    def add(self, records: int, seconds: float) -> None:
        """Take a measurement into account."""
        size = min(records.bit_length(), _CLASSES - 1)
        known = self._seconds[size]
        # An outlier (a paused thread, a page fault) must not decide for the next twenty calls.
        self._seconds[size] = seconds if known is None else known + _WEIGHT * (min(seconds, 8 * known) - known)

    def estimate(self, records: int) -> float | None:
        """Return the seconds that a call with so many records takes; None where nothing was measured.

        Where this size was never measured, the nearest one that was is scaled by the number of records.
        """
        size = min(records.bit_length(), _CLASSES - 1)
        if (known := self._seconds[size]) is not None:
            return known
        for distance in range(1, _CLASSES):
            for other in (size - distance, size + distance):
                if 0 <= other < _CLASSES and (known := self._seconds[other]) is not None:
                    return float(known * 2.0 ** (size - other))
        return None
