"""The head: weights for the numbers of a record, such as an encoder's, learned from few labeled rows.

Multinomial logistic regression on gold rows and, where the LLM's labels tell, on the records that it labeled, whose
calibrated probabilities are soft targets. Cross-validation on gold rows decides the penalty on its weights. Like the
student it becomes two programs, clear and close.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from labelwright.core.record import Record
from labelwright.core.task import FieldType, Task
from labelwright.synthesis.arrays import Floats, Labels, Mask, Votes
from labelwright.synthesis.learning.bands import POINTS, band_votes, clear_margin
from labelwright.synthesis.learning.calibration import answered, fit_calibration
from labelwright.synthesis.statistics.folds import stratified_folds, unseen_scores
from labelwright.synthesis.statistics.label_models import softmax
from labelwright.synthesis.statistics.softmax_regression import SoftmaxRegression, fit_softmax_regression

PENALTIES = (1.0, 0.3, 0.1, 0.03)
"""That are compared, the most cautious first. Numbers are scaled, so these mean the same whatever their units."""
_FOLDS = 5
_REPEATS = 2
"""Divisions into folds: a second one steadies the comparison of penalties, and doubles the time."""
_MOST_WEIGHTS = 30_000
"""Numbers times labels: a program must stay well below the size that a bundle allows."""


@dataclass(frozen=True, slots=True)
class HeadRows:
    """What a head learns from: numbers, rows x numbers; beliefs as the student's.

    ``trust`` says how much of a gold row a record counts that the LLM labeled, 0 to 1.
    """

    gold_numbers: Floats
    gold_labels: Labels
    unlabeled_numbers: Floats
    gold_beliefs: Floats
    unlabeled_beliefs: Floats
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
        """Return the votes of the two programs, clear and close, on gold rows that they have not seen."""
        return band_votes(self.unseen_scores[0], self.clear)

    def scores(self, numbers: Floats) -> Floats:
        """Return the scores of records, in points: rows x labels."""
        return np.asarray(numbers @ self.weights + self.start, dtype=np.float64)


def number_fields(task: Task) -> list[str]:
    """Return the names of the fields that a head reads: lists of numbers that every record has."""
    return [field.name for field in task.fields_of(FieldType.NUMBERS) if not field.optional]


def numbers_of(task: Task, records: Sequence[Record]) -> Floats | None:
    """Return the records' numbers, rows x numbers; None where they have no numbers or not equally many."""
    names = number_fields(task)
    places = [place for place, name in enumerate(task.fields) if name in names]
    rows = [[number for place in places for number in _list(record[place])] for record in records]
    if not rows or not rows[0] or len({len(row) for row in rows}) > 1:
        return None
    numbers = np.array(rows, dtype=np.float64)
    return numbers if np.isfinite(numbers).all() else None


def fit_head(rows: HeadRows, label_count: int, *, seed: int) -> Head | None:
    """Return the head, or None where gold has fewer than two labels or the weights would not fit into a program."""
    gold = rows.gold_labels
    if len(np.unique(gold)) < 2 or rows.gold_numbers.shape[1] * label_count > _MOST_WEIGHTS:
        return None
    lesson = _Lesson(rows, label_count)
    repeats = [stratified_folds(gold, _FOLDS, seed + repeat) for repeat in range(_REPEATS)]
    candidates = [(unseen_scores(repeats, lesson.scorer(penalty)), penalty) for penalty in PENALTIES]
    unseen, penalty = max(candidates, key=lambda item: _log_probability(item[0], gold))
    weights, start = lesson.unscaled(lesson.fit(penalty, np.ones(len(gold), dtype=bool)))
    return Head(
        weights=weights,
        start=start,
        clear=clear_margin(POINTS * unseen, gold),
        penalty=penalty,
        unseen_scores=POINTS * unseen,
        accuracy=float((unseen.argmax(axis=2) == gold).mean()),
    )


class _Lesson:
    """The rows, with numbers of mean 0 and rows of length 1 or so: penalties mean the same whatever the units."""

    def __init__(self, rows: HeadRows, label_count: int) -> None:
        everything = np.vstack([rows.gold_numbers, rows.unlabeled_numbers])
        self._mean = everything.mean(axis=0)
        spread = everything.std(axis=0)
        self._scale = np.where(spread > 0, spread, 1.0) * np.sqrt(everything.shape[1])
        self._gold = (rows.gold_numbers - self._mean) / self._scale
        labeled = np.flatnonzero(answered(rows.unlabeled_beliefs)) if rows.trust else np.zeros(0, dtype=np.int64)
        self._others = (rows.unlabeled_numbers[labeled] - self._mean) / self._scale
        self._beliefs = rows.unlabeled_beliefs[labeled]
        self._rows = rows
        self._label_count = label_count

    def fit(self, penalty: float, train: Mask) -> SoftmaxRegression:
        """Fit on the gold rows in ``train`` and on the records that the LLM labeled, calibrated by those rows."""
        labels = self._rows.gold_labels[train]
        features, targets, weights = self._gold[train], np.eye(self._label_count)[labels], np.ones(len(labels))
        if len(self._others):
            calibration = fit_calibration(self._rows.gold_beliefs[train], labels, self._label_count)
            features = np.vstack([features, self._others])
            targets = np.vstack([targets, softmax(calibration.scores(self._beliefs))])
            weights = np.concatenate([weights, np.full(len(self._others), self._rows.trust)])
        return fit_softmax_regression(features, targets, weights, penalty=penalty)

    def scorer(self, penalty: float) -> Callable[[Mask, Mask], Floats]:
        """Return the function that fits on some gold rows and scores others."""
        return lambda train, test: self.fit(penalty, train).scores(self._gold[test])

    def unscaled(self, regression: SoftmaxRegression) -> tuple[Floats, npt.NDArray[np.int64]]:
        """Return weights and start for numbers as records have them, in points that are rounded for a reader."""
        weights = regression.weights / self._scale[:, None]
        start = regression.start - self._mean @ weights
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
