"""Which gold rows a model is shown, and which are held back: rows that were shown prove nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from labelwright.core.row import Row

_HELD_SHARE = 0.35
"""Of each label's rows. Of 100 gold rows a third still measures, and two thirds teach nearly as much as all."""
_FEWEST_TO_HOLD = 4
"""Rows of a label from which on some are held back: the rarest labels are worth more shown."""


@dataclass(frozen=True, slots=True)
class GoldSplit:
    """Indexes of the gold rows that prompts may show, in the order of showing, and of those that none ever shows."""

    shown: tuple[int, ...]
    held: tuple[int, ...]


def split_gold(
    gold: Sequence[Row], lengths: Sequence[int], most_characters: int, seed: int, seen: frozenset[int] = frozenset()
) -> GoldSplit:
    """Return the split; ``lengths`` are characters of each row as it is shown.

    Where rows were ``seen`` in earlier prompts, all others are held back. Labels take turns, so that rows beyond
    ``most_characters`` are missing from all alike; they are held back too.
    """
    rng = np.random.default_rng(seed)
    by_label: dict[int | None, list[int]] = {}
    for index in rng.permutation(len(gold)).tolist():
        by_label.setdefault(gold[index].label, []).append(index)
    queues: list[list[int]] = []
    held: list[int] = []
    for _, indexes in sorted(by_label.items(), key=lambda item: -1 if item[0] is None else item[0]):
        kept_back = indexes[: round(len(indexes) * _HELD_SHARE)] if len(indexes) >= _FEWEST_TO_HOLD else []
        if seen:
            kept_back = [index for index in indexes if index not in seen]
        held += kept_back
        # Labels end together where each gives up rows in proportion to how many it has.
        queues.append([index for index in indexes if index not in kept_back])
    turns = sorted(
        ((place + 0.5) / len(queue), label, index)
        for label, queue in enumerate(queues)
        for place, index in enumerate(queue)
    )
    shown: list[int] = []
    characters = 0
    for _, _, index in turns:
        if characters + lengths[index] > most_characters and shown:
            if index not in seen:
                held.append(index)
        else:
            characters += lengths[index]
            shown.append(index)
    return GoldSplit(tuple(shown), tuple(sorted(held)))
