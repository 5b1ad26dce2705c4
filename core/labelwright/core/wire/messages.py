"""The contract's messages to and from records, bundles, findings and moments."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp
from labelwright.core.bundle import Bundle, open_bundle
from labelwright.core.errors import InvalidBundle, InvalidRecord
from labelwright.core.finding import Finding, Severity
from labelwright.core.record import Record, make_record
from labelwright.core.task import Task
from labelwright.v1 import record_pb2, registry_service_pb2

_SEVERITIES = {
    Severity.WARNING: registry_service_pb2.SEVERITY_WARNING,
    Severity.ERROR: registry_service_pb2.SEVERITY_ERROR,
}


def record_from_message(task: Task, message: record_pb2.Record) -> Record:
    """Return the validated record. Raises InvalidRecord."""
    return make_record(task, {name: _value_from_message(name, value) for name, value in message.fields.items()})


def record_from_text(task: Task, text: str) -> Record:
    """Return the record that a text alone makes. Raises InvalidRecord where the task has no such short form."""
    field = task.text_field
    if field is None:
        raise InvalidRecord(
            f"task {task.name!r} takes more than one text",
            advice=f"send a record with its fields: {', '.join(task.fields)}",
        )
    return make_record(task, {field: text})


def record_to_message(values: Mapping[str, object]) -> record_pb2.Record:
    """Return the message for values by field name, None left out. Raises InvalidRecord for a type it cannot carry."""
    message = record_pb2.Record()
    for name, value in values.items():
        if value is not None:
            try:
                _set_value(message.fields[name], name, value)
            except (TypeError, ValueError, OverflowError) as error:
                raise InvalidRecord(
                    f"field {ascii(name)[:80]}: the value cannot be sent",
                    advice="texts must be valid Unicode, numbers must fit 64 bits, lists hold numbers only",
                    field=ascii(name)[:80],
                ) from error
    return message


def bundle_to_message(bundle: Bundle) -> registry_service_pb2.Bundle:
    """Return the message that carries the bundle's files."""
    return registry_service_pb2.Bundle(
        files=[
            registry_service_pb2.BundleFile(path=path, content=content)
            for path, content in sorted(bundle.files.items())
        ]
    )


def bundle_from_message(message: registry_service_pb2.Bundle) -> tuple[Bundle, list[Finding]]:
    """Return the bundle and the warnings. Raises InvalidBundle with the findings where it is not well formed."""
    bundle, findings = open_bundle((file.path, file.content) for file in message.files)
    if bundle is None:
        raise InvalidBundle("the bundle is not well formed", findings=findings)
    return bundle, findings


def finding_to_message(finding: Finding) -> registry_service_pb2.Finding:
    """Return the message."""
    return registry_service_pb2.Finding(
        code=finding.code,
        severity=_SEVERITIES[finding.severity],
        file=finding.file,
        line=finding.line,
        message=finding.message,
        advice=finding.advice,
    )


def finding_from_message(message: registry_service_pb2.Finding) -> Finding:
    """Return the finding; a severity from a newer server counts as an error."""
    severity = Severity.WARNING if message.severity == registry_service_pb2.SEVERITY_WARNING else Severity.ERROR
    return Finding(message.file, message.line, message.code, message.message, message.advice, severity)


def moment_to_message(moment: datetime) -> Timestamp:
    """Return the message for a moment with a time zone."""
    message = Timestamp()
    message.FromDatetime(moment)
    return message


def moment_from_message(message: Timestamp) -> datetime:
    """Return the moment, in UTC."""
    return message.ToDatetime(tzinfo=UTC)


def _value_from_message(name: str, value: record_pb2.Value) -> object:
    kind = value.WhichOneof("kind")
    if kind == "numbers":
        return list(value.numbers.values)
    if kind is None:
        raise InvalidRecord(
            "a field has no value", advice="leave the field out, or set its value", field=ascii(name)[:80]
        )
    return getattr(value, kind)


def _set_value(message: record_pb2.Value, name: str, value: object) -> None:
    match value:
        case bool():
            message.flag = value
        case str():
            message.text = value
        case int() | float():
            message.number = value
        case bytes():
            message.data = value
        case list() | tuple():
            message.numbers.values.extend(value)
        case _:
            raise InvalidRecord(
                f"field {ascii(name)[:80]}: no field type holds {type(value).__name__}", field=ascii(name)[:80]
            )
