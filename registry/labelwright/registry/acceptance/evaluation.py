"""Runs a bundle's programs and label model over rows: votes and labels for the figures of acceptance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from labelwright.core.bundle import Bundle, open_bundle
from labelwright.core.errors import InvalidBundle, LabelwrightError
from labelwright.core.label_model import LabelModel
from labelwright.core.record import Record, Value, pack
from labelwright.core.row import Row
from labelwright.core.task import Task
from labelwright.sandbox import Executable, Sandbox


@dataclass(frozen=True, slots=True)
class RowEvaluation:
    """``votes`` and ``decisions`` (a label's index or ABSTAIN) have an entry for each row.

    ``messages`` has one for each program that failed.
    """

    votes: list[tuple[int, ...]] = field(default_factory=list)
    decisions: list[int] = field(default_factory=list)
    messages: dict[str, str] = field(default_factory=dict)


class Incomparable(LabelwrightError):
    """Two versions take different fields, so one cannot be run on the other's rows."""


def pack_rows(task: Task, rows: Sequence[Row]) -> list[str]:
    """Return the rows' records in packed form."""
    return [pack(row.record, task.limits.record_bytes) for row in rows]


def evaluate(
    executable: Executable, label_model: LabelModel, packed: Sequence[str], deadline: float | None = None
) -> RowEvaluation:
    """Return votes and decisions. ``deadline`` is a time.monotonic() value; raises DeadlineExceeded beyond it."""
    evaluation = executable.evaluate(packed, deadline=deadline)
    decisions = [label_model.decide(votes).label for votes in evaluation.votes]
    return RowEvaluation(evaluation.votes, decisions, dict(evaluation.messages))


def accuracy_on_gold_of(sandbox: Sandbox, old: Bundle, new: Bundle, deadline: float | None = None) -> float:
    """Return the share of ``new``'s gold rows that ``old`` gets right; labels are compared by name.

    ``new`` must have gold rows. Raises Incomparable where the tasks' fields do not allow it.
    """
    packed = [pack(_record_for(old.task, new.task, row.record), _NO_LIMIT) for row in new.gold]
    executable = sandbox.load(old.task, old.programs, deadline)
    try:
        decisions = evaluate(executable, old.label_model, packed, deadline).decisions
    finally:
        executable.close()
    old_labels = [old.task.label_names[label] if label >= 0 else None for label in decisions]
    gold_labels = [new.task.label_names[row.label] if row.label is not None else None for row in new.gold]
    return sum(a == b for a, b in zip(old_labels, gold_labels, strict=True)) / len(gold_labels)


_NO_LIMIT = 1 << 30
"""Bytes. The rows were already checked against their own task's limit."""


def accuracy_on_gold_of_files(
    sandbox: Sandbox, deadline: float, old: Mapping[str, bytes], new: Mapping[str, bytes]
) -> float:
    """Do the same with the files of two stored bundles, for a check process. Raises what ``open_stored`` does, too."""
    return accuracy_on_gold_of(sandbox, open_stored(old), open_stored(new), deadline)


def open_stored(files: Mapping[str, bytes]) -> Bundle:
    """Return the bundle. Raises InvalidBundle where this release cannot read it."""
    bundle, findings = open_bundle(sorted(files.items()))
    if bundle is None:
        raise InvalidBundle("this release cannot read the stored bundle", findings=findings)
    return bundle


def _record_for(old: Task, new: Task, record: Record) -> Record:
    """Return the record with the fields of ``old``, in their order."""
    values = dict(zip(new.fields, record, strict=True))
    return tuple(_value_for(old, new, name, values) for name in old.fields)


def _value_for(old: Task, new: Task, name: str, values: Mapping[str, Value]) -> Value:
    old_field, new_field = old.fields[name], new.fields.get(name)
    if new_field is not None and new_field.type is not old_field.type:
        raise Incomparable(f"field {name!r} was {old_field.type.value} and is {new_field.type.value} now")
    value = values.get(name)
    if value is None and not old_field.optional:
        raise Incomparable(f"the present production version needs field {name!r}, which these gold rows lack")
    return value
