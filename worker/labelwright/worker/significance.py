"""What chance explains: the few tests that decisions rest on, exact for few rows."""

from __future__ import annotations

import math


def sign_test(wins: int, losses: int) -> float:
    """Return the two-sided p-value of a split this uneven if each row were a fair coin.

    For rows on which only one of two versions is right, this is McNemar's exact test. 1 where there are no rows.
    """
    rows = wins + losses
    tail = sum(math.comb(rows, count) for count in range(min(wins, losses) + 1))
    # In integers or logarithms: a float cannot hold 2**1100.
    return min(1.0, 2 * tail / 2**rows) if rows < 1000 else min(1.0, math.exp(math.log(2 * tail) - rows * math.log(2)))


def chi_square_quantile(deviations: float, degrees: int) -> float:
    """Return about the chi-square value with the probability that a normal variable has at ``deviations``.

    Wilson and Hilferty, 1931.
    """
    spread = 2 / (9 * degrees)
    return degrees * (1 - spread + deviations * math.sqrt(spread)) ** 3
