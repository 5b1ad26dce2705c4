"""How good labels are: accuracy, F1 and coverage, each with its interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from labelwright.core.report import LabelCounts, macro_f1
from labelwright.synthesis.arrays import Floats, Labels
from labelwright.synthesis.statistics.chance import Interval, sign_test, wilson

_RESAMPLES = 2000
"""A bound of a 95% interval is then the 50th value from its end, give or take 7: 94.3% to 95.7%."""


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
class PairedComparison:
    """Accuracy of one minus that of the other on the same rows, and whether chance explains it."""

    difference: float
    interval: Interval
    p_value: float
    """Exact McNemar: how likely rows on which only one is right split so unevenly by chance."""


def measure(truth: Labels, labels: Labels, label_count: int, *, default: int, seed: int = 0) -> Quality:
    """Return the figures of ``labels``, negative for an abstention. ``default`` is the commonest label.

    Raises ValueError where there are no rows.
    """
    if not len(truth):
        raise ValueError("no rows to measure on")
    confusion = confusion_matrix(truth, labels, label_count)
    right = labels == truth
    filled_in = np.where(labels >= 0, labels, default) == truth
    labeled = labels >= 0
    resampled = _resampled_f1(truth, labels, label_count, seed)
    counts = label_counts(confusion)
    # A label that occurs stays one of the labels in a resample that happens to miss it.
    macro = resampled[:, [item.occurs for item in counts]].mean(axis=1)
    return Quality(
        rows=len(truth),
        accuracy=float(right.mean()),
        interval=wilson(int(right.sum()), len(truth)),
        accuracy_with_default=float(filled_in.mean()),
        interval_with_default=wilson(int(filled_in.sum()), len(truth)),
        coverage=float(labeled.mean()),
        covered_accuracy=float(right[labeled].mean()) if labeled.any() else 0.0,
        macro_f1=macro_f1(counts),
        macro_f1_interval=_percentiles(macro),
        f1=tuple(item.f1 for item in counts),
        f1_intervals=tuple(_percentiles(column) for column in resampled.T),
        confusion=confusion,
    )


def compare(truth: Labels, one: Labels, other: Labels, *, seed: int = 0) -> PairedComparison:
    """Compare two labelings of the same rows, row by row, so that what both find hard cancels out."""
    gains = (one == truth).astype(np.int64) - (other == truth).astype(np.int64)
    resamples = np.random.default_rng(seed).integers(len(gains), size=(_RESAMPLES, len(gains)))
    only_one, only_other = int((gains > 0).sum()), int((gains < 0).sum())
    interval = _percentiles(gains[resamples].mean(axis=1))
    return PairedComparison(float(gains.mean()), interval, sign_test(only_one, only_other))


def confusion_matrix(truth: Labels, labels: Labels, label_count: int) -> npt.NDArray[np.int64]:
    """Return counts, right label x given label; abstentions and errors are the last column."""
    columns = np.where(labels >= 0, labels, label_count)
    counts = np.bincount(truth * (label_count + 1) + columns, minlength=label_count * (label_count + 1))
    return counts.reshape(label_count, label_count + 1)


def label_counts(confusion: npt.NDArray[np.int64]) -> list[LabelCounts]:
    """Return what F1 is made of, for each label."""
    hits, right, given = confusion.diagonal(), confusion.sum(axis=1), confusion[:, :-1].sum(axis=0)
    return [LabelCounts(*counts) for counts in np.stack([hits, right, given], axis=1).tolist()]


def _resampled_f1(truth: Labels, labels: Labels, label_count: int, seed: int) -> Floats:
    """Return resamples x labels. Drawing rows with replacement is drawing confusion counts."""
    confusion = confusion_matrix(truth, labels, label_count)
    draws = np.random.default_rng(seed).multinomial(len(truth), confusion.ravel() / len(truth), size=_RESAMPLES)
    return np.array([[counts.f1 for counts in label_counts(draw.reshape(confusion.shape))] for draw in draws])


def _percentiles(values: Floats) -> Interval:
    low, high = np.quantile(values, (0.025, 0.975))
    return float(low), float(high)
