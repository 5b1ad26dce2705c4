"""What acceptance finds out about a bundle: the report that is stored with the version and shown to people.

F1 has its one definition here, for whoever else measures.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from labelwright.core.finding import Finding, Severity
from pydantic import TypeAdapter

_SHOWN_LABELS = 20


class LabelCounts(NamedTuple):
    """Counts of rows for one label: rightly given it, having it as their right label, given it at all."""

    hits: int
    right: int
    given: int

    @property
    def occurs(self) -> bool:
        """Whether the label is right or given anywhere."""
        return self.right + self.given > 0

    @property
    def precision(self) -> float:
        """The share of the rows given the label that have it, 0 to 1; 0 where it is not given."""
        return self.hits / self.given if self.given else 0.0

    @property
    def recall(self) -> float:
        """The share of the rows that have the label that are given it, 0 to 1; 0 where none has it."""
        return self.hits / self.right if self.right else 0.0

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall, 0 to 1; 0 where the label does not occur."""
        return 2 * self.hits / (self.right + self.given) if self.occurs else 0.0


def macro_f1(labels: Sequence[LabelCounts]) -> float:
    """Return the mean F1 over the labels that occur, as scikit-learn's ``f1_score(average="macro")`` does.

    A label without a row says nothing of how good the others are. 0 where no label occurs.
    """
    scores = [counts.f1 for counts in labels if counts.occurs]
    return sum(scores) / len(scores) if scores else 0.0


def labels_without_rows(names: Sequence[str], rows: Iterable[int | None]) -> str:
    """Return the labels that are the right one of no row, as they are listed to people; empty where each has one.

    ``names`` are the task's labels, ``rows`` has the index of each row's right label.
    """
    present = set(rows)
    missing = [name for index, name in enumerate(names) if index not in present]
    shown = ", ".join(missing[:_SHOWN_LABELS])
    return shown + (f" and {len(missing) - _SHOWN_LABELS:,} more labels" if len(missing) > _SHOWN_LABELS else "")


@dataclass(frozen=True, slots=True)
class LabelFigures:
    """One label on the gold rows. Shares are 0 to 1; a share of nothing is 0."""

    label: str
    rows: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True)
class ProgramFigures:
    """One program on the gold rows: share of rows voted on, share of its votes that are right, rows it failed on.

    ``overlap`` is the share of rows that another program votes on, too; ``conflict`` that of rows for which another one
    has another label; None in reports of before these were counted.
    """

    program: str
    coverage: float
    accuracy: float
    errors: int
    description: str = ""
    overlap: float | None = None
    conflict: float | None = None


@dataclass(frozen=True, slots=True)
class GoldFigures:
    """A version on its gold rows.

    In ``accuracy`` an abstention counts as wrong; ``covered_accuracy`` is over the rows that got a label.
    ``majority_accuracy`` is what always giving the commonest label would reach.
    """

    rows: int
    accuracy: float
    coverage: float
    covered_accuracy: float
    macro_f1: float
    majority_accuracy: float
    labels: tuple[LabelFigures, ...] = ()
    programs: tuple[ProgramFigures, ...] = ()


@dataclass(frozen=True, slots=True)
class Reference:
    """What drift is measured against: each label's share of the labeled rows; shares of rows, and of votes (error)."""

    rows: int
    label_shares: dict[str, float]
    coverage: float
    conflict: float
    error: float


@dataclass(frozen=True, slots=True)
class GateResult:
    """Whether one gate of task.toml holds, with the measured figure and the required one."""

    gate: str
    passed: bool
    measured: float
    required: float
    message: str


@dataclass(frozen=True, slots=True)
class Report:
    """Findings sorted by place; figures and gates where the bundle could be evaluated."""

    findings: tuple[Finding, ...] = ()
    gold: GoldFigures | None = None
    reference: Reference | None = None
    gates: tuple[GateResult, ...] = field(default=())

    @property
    def refused(self) -> bool:
        """Whether a finding refuses the bundle."""
        return any(finding.severity is Severity.ERROR for finding in self.findings)

    @property
    def gates_hold(self) -> bool:
        """Whether the version may become production."""
        return all(gate.passed for gate in self.gates)

    def with_gates(self, gates: tuple[GateResult, ...]) -> Report:
        """Return the report with these gates added."""
        return replace(self, gates=self.gates + gates)


_JSON = TypeAdapter(Report)


def report_to_json(report: Report) -> dict[str, Any]:
    """Return the report as JSON's types, for storage."""
    return _JSON.dump_python(report, mode="json")  # type: ignore[no-any-return]


def report_from_json(stored: dict[str, Any]) -> Report:
    """Return the stored report."""
    return _JSON.validate_python(stored)
