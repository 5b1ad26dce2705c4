"""Folds: which gold rows are judged by fits that have not seen them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from labelwright.synthesis.statistics.label_models import Floats, Labels

Mask = npt.NDArray[np.bool_]


def stratified_folds(labels: Labels, count: int, seed: int) -> Labels:
    """Return a fold's number for each row, each label spread evenly over the folds."""
    order = np.random.default_rng(seed).permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    folds = np.empty(len(labels), dtype=np.int64)
    folds[order] = np.arange(len(labels)) % count
    return folds


def unseen_scores(folds: Sequence[Labels], score: Callable[[Mask, Mask], Floats]) -> Floats:
    """Return repeats x rows x labels: each row scored by fits that had not seen it, once for each of the ``folds``.

    ``score`` takes the rows to fit on and the rows to score.
    """
    repeats = []
    for numbers in folds:
        parts = [(numbers == fold, score(numbers != fold, numbers == fold)) for fold in np.unique(numbers)]
        whole = np.empty((len(numbers), parts[0][1].shape[1]))
        for test, scores in parts:
            whole[test] = scores
        repeats.append(whole)
    return np.stack(repeats)
