"""Accuracy against the share of records that is sent to the model, the least sure first: measured, not modeled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from labelwright.synthesis.arrays import Floats, Labels
from labelwright.synthesis.asking.sampling import least_sure
from labelwright.synthesis.statistics.chance import Interval, wilson
from labelwright.synthesis.statistics.evaluation import PairedComparison, compare

SHARES = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75, 1.0)
_WORTH = 0.01
"""A larger share is not worth its price for less accuracy than this, which 150 rows can hardly tell from none."""


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """One share: ``sent`` of the rows were the model's. ``against_direct`` is accuracy minus the model's own."""

    share: float
    sent: int
    accuracy: float
    interval: Interval
    against_direct: PairedComparison


def escalation_curve(truth: Labels, labels: Labels, probabilities: Floats, direct: Labels) -> list[CurvePoint]:
    """Return a point for each of ``SHARES``. All arrays have an entry a row; ``direct`` are the model's labels.

    Where the model gave none (-1) the programs' label stays, as it does when a file is labeled.
    """
    order = least_sure(labels, probabilities, len(labels))
    points = []
    for share in SHARES:
        sent = order[: round(share * len(order))]
        mixed = labels.copy()
        mixed[sent] = np.where(direct[sent] >= 0, direct[sent], labels[sent])
        right = int((mixed == truth).sum())
        points.append(
            CurvePoint(share, len(sent), right / len(truth), wilson(right, len(truth)), compare(truth, mixed, direct))
        )
    return points


def recommended(points: Sequence[CurvePoint]) -> CurvePoint:
    """Return the least share that is within a point of accuracy of the best of all shares."""
    best = max(point.accuracy for point in points)
    return next(point for point in points if point.accuracy >= best - _WORTH)
