"""What a new version weakens of what its predecessor is judged by: gates, and the gold rows that they measure on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from labelwright.core.bundle import GOLD_FILE, Bundle
from labelwright.core.finding import Finding, Severity
from labelwright.core.record import Value
from labelwright.core.report import GateResult
from labelwright.core.row import Row
from labelwright.core.task import TASK_FILE, Gates, Task
from labelwright.registry.acceptance.evaluation import open_stored
from labelwright.registry.acceptance.gate import GOLD_KEPT, is_looser
from labelwright.sandbox import Sandbox


@dataclass(frozen=True, slots=True)
class Weakening:
    """Of the old version's gold records, ``gold``, how many the new one lacks or labels otherwise; and looser gates.

    ``gates`` has for each of these what was asked for and what is now, None where it is not set any more.
    """

    gold: int = 0
    removed: int = 0
    relabeled: int = 0
    gates: Mapping[str, tuple[float, float | None]] = field(default_factory=dict)

    def findings(self) -> Iterator[Finding]:
        """Yield a warning for the author and for whoever promotes."""
        if self.removed or self.relabeled:
            message = f"of production's {self.gold:,} gold rows {self.removed:,} are gone, {self.relabeled:,} relabeled"
            yield _warning(GOLD_FILE, message, "keep them, and correct a label only where it is wrong")
        for gate, (before, now) in self.gates.items():
            message = f"{gate} is {'not set' if now is None else f'{now:g}'}, and {before:g} in production"
            yield _warning(TASK_FILE, message, "say why in the push's message, or leave it as it was")


def weakening_of_files(
    _: Sandbox,
    deadline: float,  # noqa: ARG001 - the process that reads is ended at the deadline
    old: Mapping[str, bytes],
    new: Mapping[str, bytes],
) -> Weakening:
    """Return what the new one of two stored bundles weakens, for a check process. Raises InvalidBundle."""
    return weakening(open_stored(old), open_stored(new))


def weakening(old: Bundle, new: Bundle) -> Weakening:
    """Return what ``new`` weakens. Records are the same where the fields of ``old`` have the same values."""
    labels: dict[frozenset[tuple[str, Value]], set[str]] = {}
    for row in new.gold:
        labels.setdefault(_values(new.task, row, old.task), set()).add(_label(new.task, row))
    gold = {(_values(old.task, row, old.task), _label(old.task, row)) for row in old.gold}
    removed = sum(values not in labels for values, _ in gold)
    kept = sum(label in labels.get(values, ()) for values, label in gold)
    return Weakening(len(gold), removed, len(gold) - removed - kept, _looser(old.task.gates, new.task.gates))


def gold_kept(weakening: Weakening | None, obstacle: str = "") -> GateResult:
    """Return the result of the policy's gate that protects gold rows. ``weakening`` is None where there are no others.

    ``obstacle`` says why the two versions cannot be compared: the gate fails then.
    """
    changed = weakening.removed + weakening.relabeled if weakening else 0
    message = f"{changed:,} of production's gold rows are gone or relabeled"
    message = f"cannot be measured: {obstacle}" if obstacle else message
    return GateResult(GOLD_KEPT, not changed and not obstacle, changed, 0.0, message)


def _looser(old: Gates, new: Gates) -> dict[str, tuple[float, float | None]]:
    pairs = {name: (getattr(old, name), getattr(new, name)) for name in Gates.model_fields}
    return {name: pair for name, pair in pairs.items() if is_looser(name, pair[1], pair[0])}


def _values(task: Task, row: Row, fields_of: Task) -> frozenset[tuple[str, Value]]:
    values = zip(task.fields, row.record, strict=True)
    return frozenset((name, value) for name, value in values if value is not None and name in fields_of.fields)


def _label(task: Task, row: Row) -> str:
    return "" if row.label is None else task.label_names[row.label]


def _warning(file: str, message: str, advice: str) -> Finding:
    return Finding(file, 0, "LW406", message, advice, Severity.WARNING)
