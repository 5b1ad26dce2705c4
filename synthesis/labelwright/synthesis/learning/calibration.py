"""What the LLM's own labels are worth, learned from the gold rows that it labeled too.

An LLM leans: it calls too much spam, or never thinks of one label. Where its endpoint tells the log-probabilities of
all labels, most of that can be undone with a few gold rows: a logistic regression from these to the right label, which
is pulled towards taking them as they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from labelwright.synthesis.statistics.chance import wilson
from labelwright.synthesis.statistics.folds import stratified_folds
from labelwright.synthesis.statistics.label_models import Floats, Labels
from labelwright.synthesis.statistics.softmax_regression import SoftmaxRegression, fit_softmax_regression

_FLOOR = -9.0
"""Log-probability of a label that is not among the candidates that the endpoint told."""
_SAID = 0.9
"""Probability of the label that was answered, where nothing is told of the others."""
_PENALTY = 10.0
_FOLDS = 5


def beliefs(labels: Labels, scores: Floats) -> Floats:
    """Return log-probabilities of each label, records x labels, and a row of NaN where the LLM gave no answer.

    ``labels`` are its answers, -1 for none; ``scores`` the log-probabilities that came with them, NaN where none did.
    They are taken where they say something of the answer: the first token of its name may be that of others too.
    """
    label_count = scores.shape[1]
    known = np.where(np.isnan(scores), _FLOOR, np.maximum(scores, _FLOOR))
    of_answer = np.where(labels < 0, scores.max(axis=1, initial=_FLOOR, where=~np.isnan(scores)), np.nan)
    of_answer[labels >= 0] = scores[labels >= 0, labels[labels >= 0]]
    told = ~np.isnan(scores).all(axis=1) & ~np.isnan(of_answer)
    said = np.full(scores.shape, (1 - _SAID) / max(1, label_count - 1))
    said[labels >= 0, labels[labels >= 0]] = _SAID
    logs = np.where(told[:, None], known, np.log(said))
    logs -= np.log(np.exp(logs).sum(axis=1, keepdims=True))
    return np.where((told | (labels >= 0))[:, None], logs, np.nan)


def is_told(beliefs: Floats) -> npt.NDArray[np.bool_]:
    """Return for each record whether the LLM said anything of it."""
    return np.asarray(~np.isnan(beliefs).any(axis=1))


@dataclass(frozen=True, slots=True)
class Calibration:
    """Turns beliefs into evidence. ``prior`` has one log-probability a label."""

    regression: SoftmaxRegression
    prior: Floats

    def scores(self, beliefs: Floats) -> Floats:
        """Return log P(label | what the LLM said) up to a constant; the prior alone where it said nothing."""
        told = is_told(beliefs)
        scores = np.tile(self.prior, (len(beliefs), 1))
        scores[told] = self.regression.scores(beliefs[told])
        return scores

    def evidence(self, beliefs: Floats) -> Floats:
        """Return log P(what the LLM said | label) up to a constant a record; zeros where it said nothing."""
        return np.asarray(self.scores(beliefs) - self.prior, dtype=np.float64)


def fit_calibration(beliefs: Floats, gold: Labels, label_count: int) -> Calibration:
    """Return what the gold rows say of the LLM's ``beliefs`` about them."""
    told = is_told(beliefs)
    certain = np.eye(label_count)[gold[told]]
    rows = np.bincount(gold, minlength=label_count) + 1.0
    regression = fit_softmax_regression(
        beliefs[told], certain, np.ones(len(certain)), penalty=_PENALTY, center=np.eye(label_count)
    )
    return Calibration(regression, np.log(rows / rows.sum()))


def unseen_accuracy(beliefs: Floats, gold: Labels, label_count: int) -> tuple[int, int]:
    """Return how many of the gold rows that the LLM labeled it has right, calibrated on others, and their number."""
    told = np.flatnonzero(is_told(beliefs))
    right = 0
    folds = stratified_folds(gold[told], _FOLDS, 0)
    for fold in np.unique(folds):
        test, rest = told[folds == fold], told[folds != fold]
        if len(rest):
            given = fit_calibration(beliefs[rest], gold[rest], label_count).scores(beliefs[test])
            right += int((given.argmax(axis=1) == gold[test]).sum())
    return right, len(told)


def direct_labels_tell(beliefs: Floats, gold: Labels) -> bool:
    """Whether the LLM's labels are surely better than always giving the commonest one: the gate they must pass."""
    right, rows = unseen_accuracy(beliefs, gold, beliefs.shape[1])
    return bool(rows) and wilson(right, rows)[0] > float(np.bincount(gold).max() / len(gold))


def trust(beliefs: Floats, gold: Labels, label_count: int) -> float:
    """Return how much of a gold row an LLM's label counts: how far these are above the commonest label, 0 to 1.

    0 where they do not pass the gate.
    """
    if not direct_labels_tell(beliefs, gold):
        return 0.0
    right, rows = unseen_accuracy(beliefs, gold, label_count)
    commonest = float(np.bincount(gold).max() / len(gold))
    return float(np.clip((right / rows - commonest) / max(1 - commonest, 1e-9), 0, 1))
