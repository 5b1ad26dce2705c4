"""Arguments: what a caller gave, put into a message or refused by its name. Pure."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping
from typing import TypeVar

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from labelwright.core.errors import InvalidRequest

_Message = TypeVar("_Message", bound=Message)
_Value = TypeVar("_Value")

_MISFITS = (TypeError, ValueError, OverflowError)
"""What protobuf raises, without a word on which field it was. UnicodeEncodeError is a ValueError."""
_TAKES = {
    FieldDescriptor.TYPE_STRING: "a text",
    FieldDescriptor.TYPE_BYTES: "bytes",
    FieldDescriptor.TYPE_BOOL: "True or False",
    FieldDescriptor.TYPE_INT32: "a whole number",
    FieldDescriptor.TYPE_INT64: "a whole number",
    FieldDescriptor.TYPE_UINT32: "a whole number",
    FieldDescriptor.TYPE_UINT64: "a whole number",
}


def build(kind: type[_Message], **fields: object) -> _Message:
    """Return the message with these fields; None leaves one out. Raises InvalidRequest that names what does not fit."""
    for name, value in fields.items():
        # protobuf itself would take them for a text.
        if isinstance(value, bytes) and kind.DESCRIPTOR.fields_by_name[name].type == FieldDescriptor.TYPE_STRING:
            raise _misfit(kind, name, value)
    try:
        return kind(**fields)
    except _MISFITS:
        for name, value in fields.items():
            try:
                kind(**{name: value})
            except _MISFITS as error:
                raise _misfit(kind, name, value) from error
        raise


def whole_number(value: int, name: str) -> int:
    """Return the number, of Python's or numpy's kind, as Python's. Raises InvalidRequest, with the name."""
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool):
        raise InvalidRequest(
            f"{name} takes a whole number, not {type(value).__name__}", advice="correct it", field=name
        )
    return number


def version_number(version: int) -> int:
    """Return the number of a version. Raises InvalidRequest where none can have it."""
    number = whole_number(version, "version")
    if not 1 <= number < 1 << 32:
        raise InvalidRequest(f"there is no version {shown(number)}", advice="versions count from 1", field="version")
    return number


def shown(number: int) -> str:
    """Return a number as text; Python writes out none of more than some thousand digits."""
    return str(number) if number.bit_length() <= 64 else "of so many digits"


def items(values: Iterable[_Value], name: str, one: str) -> Iterable[_Value]:
    """Return ``values``. Raises InvalidRequest, with the name, for no iterable, or for ``one`` where several belong."""
    if isinstance(values, str | bytes | bytearray | Mapping):
        raise InvalidRequest(f"{name} takes several, not {one}", advice="put it into a list", field=name)
    if not isinstance(values, Iterable):
        raise InvalidRequest(
            f"{name} takes an iterable, not {type(values).__name__}", advice="give a list or a generator", field=name
        )
    return values


def of_type(value: object, kind: type[_Value], name: str) -> _Value:
    """Return ``value``. Raises InvalidRequest, with the name, where it is of another type."""
    if not isinstance(value, kind):
        raise InvalidRequest(
            f"{name} takes {kind.__name__}, not {type(value).__name__}", advice="correct it", field=name
        )
    return value


def _misfit(kind: type[Message], name: str, value: object) -> InvalidRequest:
    takes = _TAKES.get(kind.DESCRIPTOR.fields_by_name[name].type, "something else")
    if isinstance(value, str) and takes == "a text":
        return InvalidRequest(
            f"{name}: the text holds half of a surrogate pair, which UTF-8 cannot express",
            advice="decode the text with errors='replace' before sending it",
            field=name,
        )
    if isinstance(value, int) and not isinstance(value, bool) and takes == "a whole number":
        return InvalidRequest(f"{name}: the number is out of range", advice="correct it", field=name)
    return InvalidRequest(f"{name} takes {takes}, not {type(value).__name__}", advice="correct it", field=name)
