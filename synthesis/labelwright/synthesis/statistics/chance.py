"""What chance explains: the few tests and intervals that decisions rest on."""

from __future__ import annotations

import math

Interval = tuple[float, float]
"""From and to, both within it."""

_Z = 1.959963984540054
"""Two-sided 95% of the normal distribution."""


def wilson(right: int, rows: int) -> Interval:
    """Return the 95% interval of a share (Wilson 1927): honest for few rows and near 0 and 1."""
    share, spread = right / rows, _Z * _Z / rows
    center = (share + spread / 2) / (1 + spread)
    half = _Z * math.sqrt(share * (1 - share) / rows + spread / (4 * rows)) / (1 + spread)
    return (max(0.0, center - half) if right else 0.0), (min(1.0, center + half) if right < rows else 1.0)


def sign_test(wins: int, losses: int) -> float:
    """Return the two-sided p-value of so uneven a split, were each row a fair coin; exact. 1 where there are no rows.

    With rows on which only one of two versions is right, this is McNemar's exact test.
    """
    rows, tail, ways = wins + losses, 0, 1
    for count in range(min(wins, losses) + 1):
        tail += ways
        # The next binomial coefficient from this one: each anew would take seconds for 10,000 rows.
        ways = ways * (rows - count) // (count + 1)
    # The quotient of two whole numbers is rounded once, however large they are: no float has to hold 2**1100.
    return min(1.0, float(2 * tail / 2**rows))
