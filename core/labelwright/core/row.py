"""Rows: records as they stand in files, one JSON object a line, perhaps with columns that the task does not know."""

from __future__ import annotations

import base64
import binascii
import difflib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from labelwright.core.errors import InvalidRecord, LabelwrightError
from labelwright.core.finding import Finding
from labelwright.core.record import Record, make_record, pack
from labelwright.core.task import Field, FieldType, Task
from labelwright.core.text.json_text import parse_json

LABEL_COLUMN = "label"
_SHOWN_NAMES, _SHOWN_NAME = 20, 60
"""Columns that a message names, and characters of each."""
_TRUE, _FALSE = {"true", "yes", "1"}, {"false", "no", "0"}


@dataclass(frozen=True, slots=True)
class Row:
    """A validated record of a file; ``label`` is the label's index, None where the row has none."""

    record: Record
    label: int | None
    id: str


def record_from_row(task: Task, row: Mapping[str, object]) -> Record:
    """Return the record in ``row``, leaving out columns that are not fields of the task.

    Bytes stand as base64. Text is read as a number, yes or no, or a JSON list where the field wants one: CSV knows
    nothing else. Raises InvalidRecord; where a column is missing it names the nearest one.
    """
    missing = [name for name, field in task.fields.items() if not field.optional and name not in row]
    if missing:
        # What features are made of is missed first.
        raise _missing_column(min(missing, key=lambda name: name in task.features), [*row])
    return make_record(task, {name: _read(field, row[name]) for name, field in task.fields.items() if name in row})


def row_of_record(task: Task, record: Record) -> dict[str, object]:
    """Return the record's values by field, as ``record_from_row`` reads them: bytes as base64, absent ones left out."""
    return {
        name: base64.b64encode(value).decode() if isinstance(value, bytes) else value
        for name, value in zip(task.fields, record, strict=True)
        if value is not None
    }


def parse_rows(task: Task, text: str, file: str, *, labeled: bool) -> tuple[list[Row], list[Finding]]:
    """Return the rows of a JSON Lines file and what is wrong with it. ``labeled`` rows must carry a label."""
    rows: list[Row] = []
    findings: list[Finding] = []
    indexes = {name: index for index, name in enumerate(task.label_names)}
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            rows.append(_parse_row(task, line, indexes, labeled))
        except LabelwrightError as error:
            findings.append(Finding(file, number, "LW121", error.message, error.advice))
    return rows, findings


def _parse_row(task: Task, line: str, indexes: Mapping[str, int], labeled: bool) -> Row:
    try:
        row = parse_json(line)
    except (ValueError, RecursionError) as error:
        raise InvalidRecord(f"not valid JSON: {error}", advice="write one JSON object a line") from error
    if not isinstance(row, dict):
        raise InvalidRecord("not a JSON object", advice="write one JSON object a line")
    record = record_from_row(task, row)
    pack(record, task.limits.record_bytes)
    label = row.get(LABEL_COLUMN) if labeled else None
    if labeled and (not isinstance(label, str) or label not in indexes):
        raise InvalidRecord(
            f"the label is {ascii(label)[:80]}, not one of the task's",
            advice=f"the task's labels: {', '.join(indexes)}",
        )
    return Row(record, indexes[label] if isinstance(label, str) else None, str(row.get("id", "")))


def _missing_column(name: str, columns: Sequence[str]) -> InvalidRecord:
    near = nearest_name(name, columns)
    hint = f"; is it the column {_shown(near)}?" if near is not None else ""
    return InvalidRecord(f"field {name!r} is missing{hint}", advice=f"there are: {shown_names(columns)}", field=name)


def nearest_name(name: str, names: Sequence[str]) -> str | None:
    """Return the one of the names that may be meant by ``name``, None where none is like it."""
    plain = {_plain_name(item): item for item in reversed(names)}
    near = difflib.get_close_matches(_plain_name(name), plain, n=1)
    return plain[near[0]] if near else None


def shown_names(names: Sequence[str]) -> str:
    """Return names from outside as a list for people: short, and safe to print."""
    more = f" and {len(names) - _SHOWN_NAMES} more" if len(names) > _SHOWN_NAMES else ""
    return f"{', '.join(map(_shown, names[:_SHOWN_NAMES])) or 'no columns'}{more}"


def _plain_name(name: str) -> str:
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", name)).casefold()


def _shown(name: str) -> str:
    return repr(name) if len(name) <= _SHOWN_NAME and name.isprintable() else f"{name[:_SHOWN_NAME]!a}"


def _read(field: Field, value: object) -> object:
    """Return a file's value as the field's type, where the file format has only text."""
    if not isinstance(value, str) or field.type is FieldType.TEXT:
        return value
    if field.optional and not value:
        return None
    try:
        match field.type:
            case FieldType.BYTES:
                return base64.b64decode(value, validate=True)
            case FieldType.NUMBER:
                return float(value)
            case FieldType.NUMBERS:
                return parse_json(value)
            case FieldType.BOOL:
                return _read_bool(value)
    except (ValueError, binascii.Error, RecursionError) as error:
        raise InvalidRecord(
            f"field {field.name!r}: the text cannot be read as {field.type.value}", field=field.name
        ) from error


def _read_bool(value: str) -> bool:
    word = value.strip().lower()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise ValueError
