"""Votes with a known truth and known accuracies."""

from __future__ import annotations

import numpy as np


def planted(seed: int, labels: int, accuracies: list[float], coverage: float = 0.7, rows: int = 600):
    """Truth and votes of programs that are right as often as said and wrong evenly."""
    generator = np.random.default_rng(seed)
    truth = generator.integers(labels, size=rows)
    votes = np.full((rows, len(accuracies)), -1)
    for program, accuracy in enumerate(accuracies):
        wrong = (truth + generator.integers(1, labels, size=rows)) % labels
        said = np.where(generator.random(rows) < accuracy, truth, wrong)
        covered = generator.random(rows) < coverage
        votes[covered, program] = said[covered]
    return truth, votes
