"""Whether probabilities hold: how often labels are right, beside how often that was promised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from labelwright.synthesis.arrays import Floats, Mask
from labelwright.synthesis.statistics.chance import Interval, wilson

_BANDS = 10


@dataclass(frozen=True, slots=True)
class Band:
    """The labels whose probability is from ``low`` to ``high``; ``promised`` is their mean probability.

    ``right`` is the share of them that are right, with its 95% interval.
    """

    low: float
    high: float
    rows: int
    promised: float
    right: float
    interval: Interval


def reliability(right: Mask, probabilities: Floats) -> list[Band]:
    """Return the bands that hold a label, of ten equally wide ones. Both arrays have an entry a label, 0 to 1."""
    places = np.minimum((probabilities * _BANDS).astype(np.int64), _BANDS - 1)
    bands = []
    for place in np.unique(places).tolist():
        inside = places == place
        rows, hits = int(inside.sum()), int(right[inside].sum())
        promised = float(probabilities[inside].mean())
        low, high = place / _BANDS, (place + 1) / _BANDS
        bands.append(Band(low, high, rows, promised, hits / rows, wilson(hits, rows)))
    return bands


def calibration_error(bands: Sequence[Band]) -> float:
    """Return the expected calibration error: how far promised and right lie apart, by rows; 0 without any."""
    rows = sum(band.rows for band in bands)
    return sum(band.rows * abs(band.promised - band.right) for band in bands) / rows if rows else 0.0
