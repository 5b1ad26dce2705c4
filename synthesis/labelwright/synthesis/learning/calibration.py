"""What the LLM's own labels are worth, learned from the gold rows that it labeled too.

An LLM leans: it calls too much spam, or never thinks of one label. Where its endpoint gives the log-probabilities of
all labels, a few gold rows undo most of that: a logistic regression from these to the right label, pulled towards
taking them as they are. Beliefs are those of ``DirectLabels``: log-probabilities, rows x labels, NaN without an answer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from labelwright.core.vote import ABSTAIN
from labelwright.synthesis.arrays import Floats, Labels, Mask
from labelwright.synthesis.statistics.chance import wilson
from labelwright.synthesis.statistics.folds import out_of_fold, stratified_folds
from labelwright.synthesis.statistics.softmax_regression import SoftmaxRegression, fit_softmax_regression

_PENALTY = 10.0
"""How hard it is pulled to the LLM's own probabilities: less follows a handful of rows, more leaves the lean in."""
_FOLDS = 5
"""Enough that each fit has most of the gold rows; ten would double the time."""


def answered(beliefs: Floats) -> Mask:
    """Return for each record whether the LLM gave an answer."""
    return np.asarray(~np.isnan(beliefs).any(axis=1))


@dataclass(frozen=True, slots=True)
class Calibration:
    """Turns beliefs into evidence. ``prior`` has one log-probability a label."""

    regression: SoftmaxRegression
    prior: Floats

    def scores(self, beliefs: Floats) -> Floats:
        """Return log P(label | the LLM's answer) up to a constant; the prior alone where it gave none."""
        rows = answered(beliefs)
        scores = np.tile(self.prior, (len(beliefs), 1))
        scores[rows] = self.regression.scores(beliefs[rows])
        return scores

    def evidence(self, beliefs: Floats) -> Floats:
        """Return log P(the LLM's answer | label) up to a constant a record; zeros where it gave none."""
        return np.asarray(self.scores(beliefs) - self.prior, dtype=np.float64)


def fit_calibration(beliefs: Floats, gold: Labels, label_count: int) -> Calibration:
    """Return what the right labels say of the LLM's ``beliefs`` about the same rows."""
    rows = answered(beliefs)
    certain = np.eye(label_count)[gold[rows]]
    counts = np.bincount(gold, minlength=label_count) + 1.0
    regression = fit_softmax_regression(
        beliefs[rows], certain, np.ones(len(certain)), penalty=_PENALTY, center=np.eye(label_count)
    )
    return Calibration(regression, np.log(counts / counts.sum()))


def unseen_accuracy(beliefs: Floats, gold: Labels, label_count: int) -> tuple[int, int]:
    """Return how many of the gold rows that the LLM labeled it has right, calibrated on others, and their number."""
    rows = answered(beliefs)
    beliefs, gold = beliefs[rows], gold[rows]
    if not len(gold):
        return 0, 0

    def score(train: Mask, test: Mask) -> Labels:
        if not train.any():  # a single row: there is nothing to calibrate by
            return np.full(int(test.sum()), ABSTAIN, dtype=np.int64)
        scores = fit_calibration(beliefs[train], gold[train], label_count).scores(beliefs[test])
        return np.asarray(scores.argmax(axis=1), dtype=np.int64)

    answers = out_of_fold(stratified_folds(gold, _FOLDS, 0), score)
    return int((answers == gold).sum()), len(gold)


def direct_labels_tell(beliefs: Floats, gold: Labels) -> bool:
    """Whether the LLM's labels are surely better than always giving the commonest one: the gate that they must pass."""
    right, rows = unseen_accuracy(beliefs, gold, beliefs.shape[1])
    return bool(rows) and wilson(right, rows)[0] > float(np.bincount(gold).max() / len(gold))


def trust(beliefs: Floats, gold: Labels, label_count: int) -> float:
    """Return how much of a gold row a label of the LLM counts, 0 to 1: by how far they are above the commonest label.

    0 where they do not pass the gate.
    """
    if not direct_labels_tell(beliefs, gold):
        return 0.0
    right, rows = unseen_accuracy(beliefs, gold, label_count)
    commonest = float(np.bincount(gold).max() / len(gold))
    return float(np.clip((right / rows - commonest) / max(1 - commonest, 1e-9), 0, 1))
