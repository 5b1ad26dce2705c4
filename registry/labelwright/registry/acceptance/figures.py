"""Figures from votes and decisions: pure arithmetic, no sandbox and no storage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from labelwright.core.report import GoldFigures, LabelCounts, LabelFigures, ProgramFigures, Reference, macro_f1
from labelwright.core.task import Task
from labelwright.core.vote import in_conflict, is_error, is_label


def gold_figures(
    task: Task,
    programs: Sequence[str],
    gold: Sequence[int],
    decisions: Sequence[int],
    votes: Sequence[tuple[int, ...]],
    descriptions: Mapping[str, str],
) -> GoldFigures:
    """Return a version's figures; ``gold`` and ``decisions`` hold a label's index for each row, or ABSTAIN.

    ``gold`` must not be empty.
    """
    right = sum(truth == decision for truth, decision in zip(gold, decisions, strict=True))
    covered = sum(is_label(decision) for decision in decisions)
    labels = _label_counts(task, gold, decisions)
    return GoldFigures(
        rows=len(gold),
        accuracy=right / len(gold),
        coverage=covered / len(gold),
        covered_accuracy=_share(right, covered),
        macro_f1=macro_f1(labels),
        majority_accuracy=Counter(gold).most_common(1)[0][1] / len(gold),
        labels=tuple(map(_label_figures, task.label_names, labels)),
        programs=tuple(
            _program_figures(name, index, votes, gold, descriptions.get(name, ""))
            for index, name in enumerate(programs)
        ),
    )


def reference_figures(
    label_names: Sequence[str], decisions: Sequence[int], votes: Sequence[tuple[int, ...]]
) -> Reference:
    """Return what drift is measured against: shares of rows and votes.

    ``decisions`` and ``votes`` hold one entry for each row and must not be empty. Every label gets a share, also of 0.
    """
    counts = Counter(decision for decision in decisions if is_label(decision))
    covered_rows = counts.total()
    return Reference(
        rows=len(decisions),
        label_shares={label: _share(counts[index], covered_rows) for index, label in enumerate(label_names)},
        coverage=covered_rows / len(decisions),
        conflict=sum(in_conflict(row) for row in votes) / len(votes),
        error=_share(sum(is_error(vote) for row in votes for vote in row), sum(len(row) for row in votes)),
    )


def _label_counts(task: Task, gold: Sequence[int], decisions: Sequence[int]) -> list[LabelCounts]:
    truths, given = Counter(gold), Counter(decisions)
    hits = Counter(truth for truth, decision in zip(gold, decisions, strict=True) if truth == decision)
    return [LabelCounts(hits[index], truths[index], given[index]) for index in range(len(task.label_names))]


def _label_figures(label: str, counts: LabelCounts) -> LabelFigures:
    return LabelFigures(label, counts.right, counts.precision, counts.recall, counts.f1)


def _program_figures(
    name: str, index: int, rows: Sequence[tuple[int, ...]], gold: Sequence[int], description: str
) -> ProgramFigures:
    """Return the figures of the program whose votes stand at ``index`` of each row's."""
    votes = [row[index] for row in rows]
    labels = [Counter(filter(is_label, row)) for row in rows if is_label(row[index])]
    voted = len(labels)
    right = sum(vote == truth for vote, truth in zip(votes, gold, strict=True))
    errors = sum(is_error(vote) for vote in votes)
    return ProgramFigures(
        name,
        voted / len(votes),
        _share(right, voted),
        errors,
        description,
        overlap=sum(row.total() > 1 for row in labels) / len(votes),
        conflict=sum(len(row) > 1 for row in labels) / len(votes),
    )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
