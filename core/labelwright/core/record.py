"""Records: from the values that a caller sends to the packed form that is hashed, cached and sent to the sandbox.

A validated record is a tuple of values in the order of the task's fields. Its packed form is one line of JSON, made
once per request: the cache key is its hash, and a batch for the sandbox is packed records joined by commas.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping

from labelwright.core.errors import InvalidRecord, RecordTooLarge
from labelwright.core.task import Field, FieldType, Task

Value = str | float | bool | list[float] | bytes | None
Record = tuple[Value, ...]

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode


def make_record(task: Task, values: Mapping[str, object]) -> Record:
    """Return the record with these ``values``, by field name.

    Whole numbers are accepted for number fields. Raises InvalidRecord for an unknown or missing field or a wrong type.
    """
    if unknown := values.keys() - task.fields.keys():
        name = min(unknown)
        raise InvalidRecord(
            f"task {task.name!r} has no field {_shown(name)}",
            advice=f"its fields: {', '.join(task.fields)}",
            field=_shown(name),
        )
    return tuple(_checked(field, values.get(field.name)) for field in task.fields.values())


def pack(record: Record, limit: int) -> str:
    """Return the packed form: a JSON list of the values, bytes as base64.

    ``limit`` is in bytes of UTF-8. Raises RecordTooLarge above it, InvalidRecord where a text cannot be UTF-8.
    """
    packed = _encode([base64.b64encode(value).decode() if isinstance(value, bytes) else value for value in record])
    try:
        size = len(packed) if packed.isascii() else len(packed.encode())
    except UnicodeEncodeError as error:
        raise InvalidRecord(
            "a text holds half of a surrogate pair, which UTF-8 cannot express",
            advice="decode the text with errors='replace' before sending it",
        ) from error
    if size > limit:
        raise RecordTooLarge(
            f"the record takes {size:,} bytes; this task allows {limit:,}",
            advice="shorten the record, or raise limits.record_bytes in task.toml",
            size=size,
            limit=limit,
        )
    return packed


def unpack(task: Task, packed: str) -> Record:
    """Return the record whose packed form this is. Raises InvalidRecord where it does not fit the task."""
    try:
        values = json.loads(packed)
    except (ValueError, RecursionError) as error:
        raise InvalidRecord("this is not a packed record") from error
    fields = task.fields.values()
    if not isinstance(values, list) or len(values) != len(fields):
        raise InvalidRecord(f"the packed record does not have the {len(fields)} values of task {task.name!r}")
    return tuple(_checked(field, _unpacked(field, value)) for field, value in zip(fields, values, strict=True))


def record_key(packed: str) -> bytes:
    """Return the 128-bit BLAKE2b hash of a packed record: its cache key within one version."""
    return hashlib.blake2b(packed.encode(), digest_size=16).digest()


def _unpacked(field: Field, value: object) -> object:
    if field.type is not FieldType.BYTES or not isinstance(value, str):
        return value
    try:
        return base64.b64decode(value, validate=True)
    except ValueError as error:
        raise InvalidRecord(f"field {field.name!r} is not base64", field=field.name) from error


def _checked(field: Field, value: object) -> Value:
    if value is None:
        if field.optional:
            return None
        raise InvalidRecord(f"field {field.name!r} is missing", field=field.name)
    match field.type:
        case FieldType.TEXT if isinstance(value, str):
            return value
        case FieldType.NUMBER if isinstance(value, int | float) and not isinstance(value, bool):
            return _number(field, value)
        case FieldType.BOOL if isinstance(value, bool):
            return value
        case FieldType.NUMBERS if isinstance(value, list | tuple):
            if all(isinstance(item, int | float) and not isinstance(item, bool) for item in value):
                return [_number(field, item) for item in value]
        case FieldType.BYTES if isinstance(value, bytes):
            return value
        case _:
            pass
    raise InvalidRecord(
        f"field {field.name!r} takes {field.type.value}, not {type(value).__name__}",
        field=field.name,
    )


def _number(field: Field, value: int | float) -> float:
    try:
        return float(value)
    except OverflowError as error:
        raise InvalidRecord(f"field {field.name!r}: the number is too large for 64 bits", field=field.name) from error


def _shown(name: object) -> str:
    """Return a name from outside, short and safe to print."""
    text = ascii(name)
    return text if len(text) <= 80 else text[:77] + "..."
