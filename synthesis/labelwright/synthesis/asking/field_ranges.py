"""What the fields' values are like, described from the records themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from labelwright.core.record import Record, Value
from labelwright.core.row import Row
from labelwright.core.task import Field, FieldType, Task

_MAX_CHOICES = 8
_KINDS = {
    FieldType.TEXT: "text",
    FieldType.NUMBER: "number",
    FieldType.BOOL: "True or False",
    FieldType.NUMBERS: "list of numbers",
    FieldType.BYTES: "bytes",
}


@dataclass(frozen=True, slots=True)
class DescribedField:
    """A field as the prompts describe it."""

    name: str
    kind: str
    unit: str
    description: str
    optional: bool
    range: str


def describe_fields(task: Task, records: Sequence[Record], gold: Sequence[Row]) -> list[DescribedField]:
    """Return the fields with the ranges of their values; of number fields also each label's median in the gold rows.

    Features are left out: they are for what learns, not for what is written.
    """
    return [
        DescribedField(
            field.name,
            _KINDS[field.type],
            field.unit,
            field.description,
            field.optional,
            _range(
                task, field, [record[place] for record in records], [(row.record[place], row.label) for row in gold]
            ),
        )
        for place, field in enumerate(task.fields.values())
        if field.name not in task.features
    ]


def _range(task: Task, field: Field, values: list[Value], labeled: list[tuple[Value, int | None]]) -> str:
    match field.type:
        case FieldType.NUMBER:
            return _number_range(values) + _medians(task, labeled)
        case FieldType.NUMBERS:
            lengths = sorted({len(value) for value in values if isinstance(value, list)})
            if not lengths:
                return ""
            inner = [number for value in values if isinstance(value, list) for number in value]
            many = f"{lengths[0]}" if len(lengths) == 1 else f"{lengths[0]} to {lengths[-1]}"
            return f"[{many} numbers; {_number_range(inner).strip('[]')}]"
        case FieldType.TEXT:
            return _choices(values)
        case _:
            return ""


def _number_range(values: Sequence[Value]) -> str:
    numbers = [value for value in values if isinstance(value, int | float)]
    if not numbers:
        return ""
    low, middle, high = np.percentile(numbers, [5, 50, 95])
    span = f"{min(numbers):.4g} to {max(numbers):.4g}"
    return f"[{span}; most between {low:.4g} and {high:.4g}, half of them below {middle:.4g}]"


def _medians(task: Task, labeled: list[tuple[Value, int | None]]) -> str:
    middles = []
    for index, name in enumerate(task.label_names):
        numbers = [value for value, label in labeled if label == index and isinstance(value, float)]
        if numbers:
            middles.append(f"{name} {np.median(numbers):.4g}")
    return f" [median by label: {', '.join(middles)}]" if len(middles) > 1 else ""


def _choices(values: list[Value]) -> str:
    """Return the values of a text field that has only a few, such as a channel or a country."""
    different = {value for value in values if isinstance(value, str)}
    if not 1 < len(different) <= _MAX_CHOICES or len(values) < 5 * len(different):
        return ""
    return f"[one of: {', '.join(sorted(different))}]" if all(len(text) < 40 for text in different) else ""
