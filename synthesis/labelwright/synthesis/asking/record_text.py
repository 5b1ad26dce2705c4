"""Records as text: as an LLM is shown them, short and with units, and as the student reads them."""

from __future__ import annotations

from dataclasses import dataclass

from labelwright.core.record import Record, Value
from labelwright.core.task import FieldType, Task

_SHOWN_NUMBERS = 12
"""Of a list of numbers: enough to see what kind of numbers they are."""


@dataclass(frozen=True, slots=True)
class ShownField:
    """One field's value as text."""

    name: str
    value: str
    unit: str


def shown_fields(task: Task, record: Record, limit: int) -> list[ShownField]:
    """Return the record's fields, absent ones left out. ``limit`` is in characters of one text.

    Features are left out too: a model's numbers say nothing to a reader, and the text that they are made of is there.
    """
    return [
        ShownField(field.name, _shown(value, limit), field.unit)
        for field, value in zip(task.fields.values(), record, strict=True)
        if value is not None and field.name not in task.features
    ]


def one_line(task: Task, record: Record, limit: int) -> str:
    """Return the record on one line."""
    fields = shown_fields(task, record, limit)
    if len(task.fields) - len(task.features) == 1:
        return fields[0].value if fields else ""
    return "; ".join(f"{item.name}={item.value}{f' {item.unit}' if item.unit else ''}" for item in fields)


def joined_texts(task: Task, record: Record) -> str:
    """Return the record's texts in one, as the student's programs join them."""
    values = dict(zip(task.fields, record, strict=True))
    return " ".join(str(values[field.name] or "") for field in task.fields_of(FieldType.TEXT))


def _shown(value: Value, limit: int) -> str:
    if isinstance(value, str):
        text = " ".join(_valid(value).split())
        return text if len(text) <= limit else text[:limit].rstrip() + "..."
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        numbers = ", ".join(f"{number:.4g}" for number in value[:_SHOWN_NUMBERS])
        more = f", ... {len(value)} in all" if len(value) > _SHOWN_NUMBERS else ""
        return f"[{numbers}{more}]"
    return f"{value:.6g}"


def _valid(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
