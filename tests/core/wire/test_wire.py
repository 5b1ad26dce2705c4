from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from labelwright.core.bundle import open_bundle
from labelwright.core.errors import InvalidBundle, InvalidRecord
from labelwright.core.finding import Finding, Severity
from labelwright.core.record import make_record
from labelwright.core.task import Task
from labelwright.core.wire.messages import (
    bundle_from_message,
    bundle_to_message,
    finding_from_message,
    finding_to_message,
    record_from_message,
    record_from_text,
    record_to_message,
)
from labelwright.v1 import record_pb2, registry_service_pb2

_values = st.fixed_dictionaries(
    {"text": st.text(st.characters(exclude_categories=["Cs"]))},
    optional={
        "size": st.floats(allow_nan=False) | st.integers(-(2**53), 2**53),
        "open": st.booleans(),
        "scores": st.lists(st.floats(allow_nan=False)),
        "raw": st.binary(),
    },
)


@given(values=_values)
def test_records_survive_the_wire(task: Task, values: dict[str, object]) -> None:
    sent = record_pb2.Record.FromString(record_to_message(values).SerializeToString())
    assert record_from_message(task, sent) == make_record(task, values)


def test_none_is_not_sent() -> None:
    assert list(record_to_message({"text": "a", "size": None}).fields) == ["text"]


def test_an_empty_list_is_sent(task: Task) -> None:
    assert record_from_message(task, record_to_message({"text": "a", "scores": []}))[3] == []


@pytest.mark.parametrize("value", [{"a": 1}, object(), ["a"], "\ud800"])
def test_names_the_field_that_cannot_be_sent(value: object) -> None:
    with pytest.raises(InvalidRecord, match="'size'"):
        record_to_message({"size": value})


def test_a_value_without_content_is_refused(task: Task) -> None:
    with pytest.raises(InvalidRecord) as caught:
        record_from_message(task, record_pb2.Record(fields={"text": record_pb2.Value()}))
    assert "text" in caught.value.metadata["field"]


def test_the_short_form_is_the_record_with_one_text(task: Task) -> None:
    assert record_from_text(task, "hi") == make_record(task, {"text": "hi"})


def test_bundles_survive_the_wire() -> None:
    task = b'[task]\nname="t"\ninstructions="i"\n[labels]\na=""\nb=""\n[fields]\ntext="text"\n'
    bundle, _ = open_bundle([("task.toml", task), ("programs/p.py", b"\xef\xbb\xbfdef label(text):\r\n    pass\n")])
    assert bundle is not None
    received, findings = bundle_from_message(bundle_to_message(bundle))
    assert (received.digest, findings) == (bundle.digest, [])


def test_a_bundle_that_is_none_carries_its_findings() -> None:
    with pytest.raises(InvalidBundle) as caught:
        bundle_from_message(registry_service_pb2.Bundle())
    assert [finding.code for finding in caught.value.findings] == ["LW100", "LW110"]


@pytest.mark.parametrize("severity", list(Severity))
def test_findings_survive_the_wire(severity: Severity) -> None:
    finding = Finding("programs/p.py", 3, "LW201", "is wrong", "do this", severity)
    assert finding_from_message(finding_to_message(finding)) == finding


def test_an_unknown_severity_counts_as_an_error() -> None:
    message = registry_service_pb2.Finding(severity=9, code="LW999")  # type: ignore[arg-type]
    assert finding_from_message(message).severity is Severity.ERROR


def test_a_finding_names_its_place() -> None:
    assert str(Finding("a.py", 3, "LW1", "x")) == "a.py:3: LW1 x"
    assert str(Finding("a.py", 0, "LW1", "x")) == "a.py: LW1 x"
