"""Which records to show, ask about or measure on. The arguments alone decide: the same ones give the same records."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from labelwright.core.row import Row
from labelwright.core.task import Task
from labelwright.synthesis.arrays import Floats, Labels
from labelwright.synthesis.asking.direct import Example


def random_order(count: int, seed: int) -> list[int]:
    """Return 0 .. count-1 in random order. Its beginnings are samples, each part of the longer ones."""
    return [int(index) for index in np.random.default_rng(seed).permutation(count)]


def random_distinct(items: Sequence[object], seed: int) -> list[int]:
    """Return the index of one of each of equal items, in the order of ``random_order``; frequent ones come earlier."""
    first: dict[str, int] = {}
    for index in random_order(len(items), seed):
        # A record may hold lists, which have no hash; its text has one.
        first.setdefault(repr(items[index]), index)
    return list(first.values())


def least_sure(labels: Labels, probabilities: Floats, count: int) -> list[int]:
    """Return the indexes of ``count`` records, the least sure first: those without a label (-1), then by probability.

    Of equally sure ones those that stand earlier.
    """
    sureness = np.where(labels < 0, -1.0, probabilities)
    return [int(index) for index in np.argsort(sureness, kind="stable")[:count]]


def choose_examples(task: Task, gold: Sequence[Row], count: int = 8) -> list[Example]:
    """Return ``count`` gold rows to show, or as many as there are: the labels in turn, each in the order of the file.

    Not random: all runs over one gold set show the same ones, so that kept replies can be used again.
    """
    by_label: list[list[Example]] = [[] for _ in task.label_names]
    for row in gold:
        if row.label is not None:
            by_label[row.label].append(Example(row.record, row.label))
    longest = max(map(len, by_label), default=0)
    turns = [examples[turn] for turn in range(longest) for examples in by_label if turn < len(examples)]
    return turns[:count]
