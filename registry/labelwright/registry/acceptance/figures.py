"""Figures from votes and decisions: pure arithmetic, no sandbox and no storage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from labelwright.core.report import GoldFigures, LabelFigures, ProgramFigures, Reference
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

    ``gold`` must not be empty. ``macro_f1`` is the mean over the labels that occur in gold or decisions.
    """
    right_rows = sum(truth == decision for truth, decision in zip(gold, decisions, strict=True))
    covered_rows = sum(is_label(decision) for decision in decisions)
    labels = _label_figures(task, gold, decisions)
    occurring = {*gold, *decisions}
    f1 = [figures.f1 for index, figures in enumerate(labels) if index in occurring]
    return GoldFigures(
        rows=len(gold),
        accuracy=right_rows / len(gold),
        coverage=covered_rows / len(gold),
        covered_accuracy=_share(right_rows, covered_rows),
        macro_f1=sum(f1) / len(f1),
        majority_accuracy=Counter(gold).most_common(1)[0][1] / len(gold),
        labels=labels,
        programs=tuple(
            _program_figures(name, [row[index] for row in votes], gold, descriptions.get(name, ""))
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


def _label_figures(task: Task, gold: Sequence[int], decisions: Sequence[int]) -> tuple[LabelFigures, ...]:
    truth_counts, decision_counts = Counter(gold), Counter(decisions)
    hits = Counter(truth for truth, decision in zip(gold, decisions, strict=True) if truth == decision)
    return tuple(
        LabelFigures(
            label,
            truth_counts[index],
            _share(hits[index], decision_counts[index]),
            _share(hits[index], truth_counts[index]),
            _share(2 * hits[index], decision_counts[index] + truth_counts[index]),
        )
        for index, label in enumerate(task.label_names)
    )


def _program_figures(name: str, votes: Sequence[int], gold: Sequence[int], description: str) -> ProgramFigures:
    voted = sum(is_label(vote) for vote in votes)
    right = sum(vote == truth for vote, truth in zip(votes, gold, strict=True))
    errors = sum(is_error(vote) for vote in votes)
    return ProgramFigures(name, voted / len(votes), _share(right, voted), errors, description)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
