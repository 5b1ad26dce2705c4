"""The fields as prompts describe them: kind, unit, and the range of their values in the records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from labelwright.core.record import Value
from labelwright.core.task import Field, FieldType, Task
from labelwright.synthesis.rows import Rows

_MOST_CHOICES = 8
"""Different values of a text field that are listed. With more, or seldom repeated ones, it is no list of choices."""
_RECORDS_A_CHOICE = 5
_CHOICE_CHARACTERS = 40
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


def describe_fields(rows: Rows) -> list[DescribedField]:
    """Return the fields with the ranges of their values; of number fields also each label's median in the gold rows.

    Features are left out: a model's numbers say nothing to whoever writes a program.
    """
    return [
        DescribedField(
            field.name,
            _KINDS[field.type],
            field.unit,
            field.description,
            field.optional,
            _range(
                rows.task,
                field,
                [record[place] for record in rows.records],
                [(row.record[place], row.label) for row in rows.gold],
            ),
        )
        for place, field in enumerate(rows.task.fields.values())
        if field.name not in rows.task.features
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
    if not 1 < len(different) <= _MOST_CHOICES or len(values) < _RECORDS_A_CHOICE * len(different):
        return ""
    short = all(len(text) < _CHOICE_CHARACTERS for text in different)
    return f"[one of: {', '.join(sorted(different))}]" if short else ""
