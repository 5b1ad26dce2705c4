"""Folds: gold rows judged by fits that have not seen them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from labelwright.synthesis.arrays import Floats, Labels, Mask

_Entry = TypeVar("_Entry", bound=np.generic)


def stratified_folds(labels: Labels, count: int, seed: int) -> Labels:
    """Return a fold's number for each row, each label spread evenly over the folds."""
    order = np.random.default_rng(seed).permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    folds = np.empty(len(labels), dtype=np.int64)
    folds[order] = np.arange(len(labels)) % count
    return folds


def out_of_fold(folds: Labels, score: Callable[[Mask, Mask], npt.NDArray[_Entry]]) -> npt.NDArray[_Entry]:
    """Return an entry for each row, by fits that have not seen the row. ``folds`` must not be empty.

    ``score`` takes the rows to train on and those of one fold to test, and returns an entry for each of the latter.
    """
    tests = [folds == fold for fold in np.unique(folds)]
    parts = [score(~test, test) for test in tests]
    entries = np.empty((len(folds), *parts[0].shape[1:]), dtype=parts[0].dtype)
    for test, part in zip(tests, parts, strict=True):
        entries[test] = part
    return entries


def unseen_scores(divisions: Sequence[Labels], score: Callable[[Mask, Mask], Floats]) -> Floats:
    """Return repeats x rows x labels: each row scored out of fold, once for each of the divisions into folds."""
    return np.stack([out_of_fold(folds, score) for folds in divisions])
