"""Both versions on the gold rows."""

from __future__ import annotations

from collections.abc import Sequence

from labelwright.core.bundle import Bundle
from labelwright.core.record import pack
from labelwright.sandbox import Sandbox
from labelwright.worker.decision import Gold, Split
from labelwright.worker.observed import observe


def compare_on_gold(sandbox: Sandbox, base: Bundle, candidate: Bundle, unseen: Sequence[int]) -> Gold | None:
    """Return how both versions do on the base's gold rows, None where it has none.

    ``unseen`` are the candidate's labels of rows that were held back from it; without them, gold rows cannot accept it.
    """
    truth = [row.label for row in base.gold]
    if not truth:
        return None
    packed = [pack(row.record, base.task.limits.record_bytes) for row in base.gold]
    old, new = observe(sandbox, base, packed).labels, observe(sandbox, candidate, packed).labels
    return Gold(
        rows=len(truth),
        base_accuracy=_accuracy(old, truth),
        candidate_accuracy=_accuracy(new, truth),
        served=split_of(old, new, truth),
        unseen=split_of(old, unseen, truth) if len(unseen) == len(truth) else Split(0, 0),
    )


def split_of(base: Sequence[int], candidate: Sequence[int], truth: Sequence[int | None]) -> Split:
    """Count the rows on which only one version is right."""
    rows = list(zip(base, candidate, truth, strict=True))
    return Split(
        candidate=sum(old != right == new for old, new, right in rows),
        base=sum(old == right != new for old, new, right in rows),
    )


def _accuracy(labels: Sequence[int], truth: Sequence[int | None]) -> float:
    return sum(label == right for label, right in zip(labels, truth, strict=True)) / len(truth)
