"""The head: weights for the numbers of a record, such as an encoder's, learned from few labeled rows.

Multinomial logistic regression on gold rows and, where they tell, the records that the LLM labeled, whose calibrated
probabilities are soft targets. How much it is held back is decided by cross-validation on gold. Like the student it is
emitted as two programs, clear and close.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from labelwright.core.record import Record
from labelwright.core.task import FieldType, Task
from labelwright.synthesis.learning.bands import POINTS, band_votes, clear_margin
from labelwright.synthesis.learning.calibration import fit_calibration, is_told
from labelwright.synthesis.statistics.folds import Mask, stratified_folds, unseen_scores
from labelwright.synthesis.statistics.label_models import Floats, Labels, Votes, softmax
from labelwright.synthesis.statistics.softmax_regression import SoftmaxRegression, fit_softmax_regression

PENALTIES = (1.0, 0.3, 0.1, 0.03)
_FOLDS = 5
_REPEATS = 2
_MOST_WEIGHTS = 30_000
"""Numbers times labels: a program must stay well below the size that a bundle allows."""


@dataclass(frozen=True, slots=True)
class HeadMaterial:
    """What a head learns from: numbers, rows x numbers; direct labels as in the student's Material.

    ``trust`` says how much of a gold row a record counts that the LLM labeled, 0 to 1.
    """

    gold_numbers: Floats
    gold_labels: Labels
    unlabeled_numbers: Floats
    gold_direct: Floats
    unlabeled_direct: Floats
    trust: float


@dataclass(frozen=True, slots=True)
class Head:
    """A fitted head: points for each number, per unit, and label; a record's score adds them to ``start``.

    ``clear`` and ``unseen_scores`` are as a student's.
    """

    weights: Floats
    start: npt.NDArray[np.int64]
    clear: int
    penalty: float
    unseen_scores: Floats
    accuracy: float

    def unseen_votes(self) -> Votes:
        """Return what the two programs, clear and close, say of the gold rows without having seen them."""
        return band_votes(self.unseen_scores[0], self.clear)

    def scores(self, numbers: Floats) -> Floats:
        """Return the scores of records, in points: rows x labels."""
        return np.asarray(numbers @ self.weights + self.start, dtype=np.float64)


def number_fields(task: Task) -> list[str]:
    """Return the names of the task's fields that are lists of numbers and always given: what a head reads."""
    return [field.name for field in task.fields.values() if field.type is FieldType.NUMBERS and not field.optional]


def numbers_of(task: Task, records: Sequence[Record]) -> Floats | None:
    """Return the records' numbers, rows x numbers, or None where there are none or their count differs."""
    names = number_fields(task)
    places = [place for place, name in enumerate(task.fields) if name in names]
    rows = [[number for place in places for number in _list(record[place])] for record in records]
    if not rows or not rows[0] or len({len(row) for row in rows}) > 1:
        return None
    numbers = np.array(rows, dtype=np.float64)
    return numbers if np.isfinite(numbers).all() else None


def fit_head(material: HeadMaterial, label_count: int, *, seed: int) -> Head | None:
    """Return the head, or None where gold has fewer than two labels or the weights would not fit into a program."""
    if len(np.unique(material.gold_labels)) < 2 or material.gold_numbers.shape[1] * label_count > _MOST_WEIGHTS:
        return None
    lesson = _Lesson(material, label_count)
    folds = [stratified_folds(material.gold_labels, _FOLDS, seed + repeat) for repeat in range(_REPEATS)]
    tried = [(unseen_scores(folds, lesson.scorer(penalty)), penalty) for penalty in PENALTIES]
    unseen, penalty = max(tried, key=lambda item: _log_probability(item[0], material.gold_labels))
    weights, start = lesson.whole(lesson.fit(penalty, np.ones(len(material.gold_labels), dtype=bool)))
    return Head(
        weights=weights,
        start=start,
        clear=clear_margin(POINTS * unseen, material.gold_labels),
        penalty=penalty,
        unseen_scores=POINTS * unseen,
        accuracy=float((unseen.argmax(axis=2) == material.gold_labels).mean()),
    )


class _Lesson:
    """The material, with numbers of mean 0 and rows of length 1 or so: penalties mean the same whatever the units."""

    def __init__(self, material: HeadMaterial, label_count: int) -> None:
        everything = np.vstack([material.gold_numbers, material.unlabeled_numbers])
        self._mean = everything.mean(axis=0)
        spread = everything.std(axis=0)
        self._scale = np.where(spread > 0, spread, 1.0) * np.sqrt(everything.shape[1])
        self._gold = (material.gold_numbers - self._mean) / self._scale
        self._told = is_told(material.unlabeled_direct) if material.trust else np.zeros(len(everything), dtype=bool)
        told = np.flatnonzero(self._told)
        self._others = (material.unlabeled_numbers[told] - self._mean) / self._scale
        self._direct = material.unlabeled_direct[told]
        self._material = material
        self._label_count = label_count

    def fit(self, penalty: float, kept: Mask) -> SoftmaxRegression:
        """Fit on the gold rows in ``kept`` and on what the LLM labeled, as those rows calibrate it."""
        labels = self._material.gold_labels[kept]
        features, targets, weights = self._gold[kept], np.eye(self._label_count)[labels], np.ones(len(labels))
        if len(self._others):
            calibration = fit_calibration(self._material.gold_direct[kept], labels, self._label_count)
            features = np.vstack([features, self._others])
            targets = np.vstack([targets, softmax(calibration.scores(self._direct))])
            weights = np.concatenate([weights, np.full(len(self._others), self._material.trust)])
        return fit_softmax_regression(features, targets, weights, penalty=penalty)

    def scorer(self, penalty: float) -> Callable[[Mask, Mask], Floats]:
        """Return what fits on some gold rows and scores others."""
        return lambda kept, test: self.fit(penalty, kept).scores(self._gold[test])

    def whole(self, found: SoftmaxRegression) -> tuple[Floats, npt.NDArray[np.int64]]:
        """Return weights and start for numbers as records have them, in points that are rounded for a reader."""
        weights = found.weights / self._scale[:, None]
        start = found.start - self._mean @ weights
        return _rounded(POINTS * weights), np.rint(POINTS * start).astype(np.int64)


def _list(value: object) -> list[float]:
    return value if isinstance(value, list) else []


def _rounded(weights: Floats) -> Floats:
    """Return the weights to whole numbers where the largest has four digits or more, else to four digits of it."""
    largest = float(np.abs(weights).max())
    return np.round(weights, max(0, 3 - math.floor(math.log10(largest))) if largest else 0)


def _log_probability(unseen: Floats, gold: Labels) -> float:
    """Return the mean log-probability of the right label."""
    return float(np.mean([np.log(softmax(scores)[np.arange(len(gold)), gold] + 1e-12) for scores in unseen]))
