"""How good labels are: accuracy, F1, coverage, each with what chance does to it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from labelwright.synthesis.statistics.label_models import Floats, Labels

Interval = tuple[float, float]

_Z = 1.959963984540054
"""Two-sided 95% of the normal distribution."""
_RESAMPLES = 2000


@dataclass(frozen=True, slots=True)
class Quality:
    """Figures over rows whose right label is known; shares are 0 to 1, intervals are 95%.

    ``accuracy`` counts an abstention as wrong; ``accuracy_with_default`` gives those rows the commonest label.
    ``confusion`` is right label x given label, with abstentions as the last column.
    """

    rows: int
    accuracy: float
    interval: Interval
    accuracy_with_default: float
    interval_with_default: Interval
    coverage: float
    covered_accuracy: float
    macro_f1: float
    macro_f1_interval: Interval
    f1: tuple[float, ...]
    f1_intervals: tuple[Interval, ...]
    confusion: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Accuracy of one minus that of the other on the same rows, and whether chance explains it."""

    difference: float
    interval: Interval
    p_value: float
    """Exact McNemar: how likely rows on which only one is right split so unevenly by chance."""


def measure(truth: Labels, given: Labels, label_count: int, *, default: int, seed: int = 0) -> Quality:
    """Return the figures of the labels ``given``, negative where it abstains. ``default`` is the commonest label.

    Raises ValueError where there are no rows.
    """
    if not len(truth):
        raise ValueError("no rows to measure on")
    confusion = confusion_matrix(truth, given, label_count)
    right = given == truth
    filled = np.where(given >= 0, given, default) == truth
    covered = given >= 0
    resampled = _resampled_f1(truth, given, label_count, seed)
    f1 = f1_scores(confusion)
    return Quality(
        rows=len(truth),
        accuracy=float(right.mean()),
        interval=wilson(int(right.sum()), len(truth)),
        accuracy_with_default=float(filled.mean()),
        interval_with_default=wilson(int(filled.sum()), len(truth)),
        coverage=float(covered.mean()),
        covered_accuracy=float(right[covered].mean()) if covered.any() else 0.0,
        macro_f1=float(f1.mean()),
        macro_f1_interval=_percentiles(resampled.mean(axis=1)),
        f1=tuple(f1.tolist()),
        f1_intervals=tuple(_percentiles(column) for column in resampled.T),
        confusion=confusion,
    )


def compare(truth: Labels, one: Labels, other: Labels, *, seed: int = 0) -> Comparison:
    """Compare two labelings of the same rows, row by row, so that what both find hard cancels out."""
    gains = (one == truth).astype(np.int64) - (other == truth).astype(np.int64)
    chosen = np.random.default_rng(seed).integers(len(gains), size=(_RESAMPLES, len(gains)))
    only_one, only_other = int((gains > 0).sum()), int((gains < 0).sum())
    return Comparison(float(gains.mean()), _percentiles(gains[chosen].mean(axis=1)), _mcnemar(only_one, only_other))


def wilson(right: int, rows: int) -> Interval:
    """Return the 95% interval of a share (Wilson 1927): honest for few rows and near 0 and 1."""
    share, spread = right / rows, _Z * _Z / rows
    center = (share + spread / 2) / (1 + spread)
    half = _Z * math.sqrt(share * (1 - share) / rows + spread / (4 * rows)) / (1 + spread)
    return (max(0.0, center - half) if right else 0.0), (min(1.0, center + half) if right < rows else 1.0)


def confusion_matrix(truth: Labels, given: Labels, label_count: int) -> npt.NDArray[np.int64]:
    """Return counts, right label x given label; abstentions and errors are the last column."""
    columns = np.where(given >= 0, given, label_count)
    counts = np.bincount(truth * (label_count + 1) + columns, minlength=label_count * (label_count + 1))
    return counts.reshape(label_count, label_count + 1)


def f1_scores(confusion: npt.NDArray[np.int64]) -> Floats:
    """Return each label's harmonic mean of precision and recall; 0 for a label that never is right."""
    hits = np.diag(confusion[:, :-1]).astype(np.float64)
    # 2 TP / (2 TP + FP + FN)
    whole = confusion.sum(axis=1) + confusion[:, :-1].sum(axis=0)
    scores: Floats = np.divide(2 * hits, whole, out=np.zeros_like(hits), where=whole > 0)
    return scores


def _resampled_f1(truth: Labels, given: Labels, label_count: int, seed: int) -> Floats:
    """Return resamples x labels. Drawing rows with replacement is drawing confusion counts."""
    confusion = confusion_matrix(truth, given, label_count)
    draws = np.random.default_rng(seed).multinomial(len(truth), confusion.ravel() / len(truth), size=_RESAMPLES)
    return np.stack([f1_scores(draw.reshape(confusion.shape)) for draw in draws])


def _percentiles(values: Floats) -> Interval:
    low, high = np.quantile(values, (0.025, 0.975))
    return float(low), float(high)


def _mcnemar(only_one: int, only_other: int) -> float:
    rows = only_one + only_other
    tail = sum(math.comb(rows, count) for count in range(min(only_one, only_other) + 1))
    return min(1.0, float(2 * tail / 2**rows))
