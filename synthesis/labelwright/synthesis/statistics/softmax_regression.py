"""Multinomial logistic regression with soft targets, weighted rows and a penalty, in a few lines of numpy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from labelwright.synthesis.arrays import Floats
from labelwright.synthesis.statistics.label_models import softmax

_MOST_STEPS = 500
_TOLERANCE = 1e-5
"""Of the slope, a row: weights are rounded to a hundredth of a log-odd, which this is far below."""


@dataclass(frozen=True, slots=True)
class SoftmaxRegression:
    """``weights`` is features x labels, ``start`` has one number a label."""

    weights: Floats
    start: Floats

    def scores(self, features: Floats) -> Floats:
        """Return log P(label | features) up to a constant: rows x labels."""
        return np.asarray(features @ self.weights + self.start, dtype=np.float64)


def fit_softmax_regression(
    features: Floats, targets: Floats, row_weights: Floats, *, penalty: float, center: Floats | None = None
) -> SoftmaxRegression:
    """Minimize the weighted sum of the rows' cross entropy plus ``penalty`` / 2 times the squared weights.

    ``features`` is rows x features, ``targets`` rows x labels, each row summing to 1. Where a ``center`` is given
    (features x labels), weights are pulled to it and not to zero. Starts are free.

    The problem is smooth and convex: Nesterov's accelerated gradient with restarts (O'Donoghue and Candès 2015).
    """
    rows = np.hstack([features, np.ones((len(features), 1))])
    home = np.zeros((rows.shape[1], targets.shape[1]))
    if center is not None:
        home[:-1] = center
    pull = np.full((rows.shape[1], 1), penalty)
    pull[-1] = 1e-6  # starts are free but for what keeps them finite
    # Half the largest eigenvalue of the rows' weighted products bounds the curvature (Böhning 1992).
    weighted = rows * np.sqrt(row_weights)[:, None]
    step = 1 / (0.5 * float(np.linalg.norm(weighted, 2)) ** 2 + penalty + 1e-6)
    point = ahead = home
    momentum = 1.0
    for _ in range(_MOST_STEPS):
        belief = softmax(rows @ ahead)
        slope = rows.T @ ((belief - targets) * row_weights[:, None]) + pull * (ahead - home)
        before, point = point, ahead - step * slope
        if np.abs(slope).max() < _TOLERANCE * max(1.0, float(row_weights.sum())):
            break
        if float((slope * (point - before)).sum()) > 0:
            momentum = 1.0
        further = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        ahead = point + (momentum - 1) / further * (point - before)
        momentum = float(further)
    return SoftmaxRegression(point[:-1], point[-1])
