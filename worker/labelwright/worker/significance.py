"""How far chance alone carries a figure of drift."""

from __future__ import annotations

import math


def chi_square_quantile(deviations: float, degrees: int) -> float:
    """Return about the chi-square value with the probability that a normal variable has at ``deviations``.

    Wilson and Hilferty, 1931.
    """
    spread = 2 / (9 * degrees)
    return degrees * (1 - spread + deviations * math.sqrt(spread)) ** 3
