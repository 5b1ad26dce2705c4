"""The cost of calls: moving averages by batch size, for the choice between Redis and computing."""

from __future__ import annotations

_WEIGHT = 0.1
"""Of a new measurement in the average, which so reflects about the last twenty."""
_CLASSES = 16


class Cost:
    """The seconds of a call as a function of its number of records.

    A call has a fixed and a variable part, and the two differ between Redis and the sandbox; so each power of two
    has an average of its own. A race between threads loses a measurement at worst.
    """

    def __init__(self) -> None:
        self._seconds: list[float | None] = [None] * _CLASSES

    def add(self, records: int, seconds: float) -> None:
        """Add a measurement."""
        size = min(records.bit_length(), _CLASSES - 1)
        average = self._seconds[size]
        # An outlier (a paused thread, a page fault) must not decide for the next twenty calls.
        self._seconds[size] = seconds if average is None else average + _WEIGHT * (min(seconds, 8 * average) - average)

    def estimate(self, records: int) -> float | None:
        """Return the seconds that a call with this many records takes; None where nothing was measured.

        Where this size was never measured, the nearest one that was is scaled by the number of records.
        """
        size = min(records.bit_length(), _CLASSES - 1)
        if (average := self._seconds[size]) is not None:
            return average
        for distance in range(1, _CLASSES):
            for other in (size - distance, size + distance):
                if 0 <= other < _CLASSES and (average := self._seconds[other]) is not None:
                    return float(average * 2.0 ** (size - other))
        return None
