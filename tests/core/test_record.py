from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from labelwright.core.errors import InvalidRecord, RecordTooLarge
from labelwright.core.record import make_record, pack, record_key, unpack
from labelwright.core.task import Task


def test_keeps_the_order_of_the_task_and_fills_in_none(task: Task) -> None:
    record = make_record(task, {"scores": (1, 2.5), "text": "hi", "size": 3})
    assert record == ("hi", 3.0, None, [1.0, 2.5], None)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "field 'text' is missing"),
        ({"text": None}, "field 'text' is missing"),
        ({"text": "a", "colour": "red"}, "has no field 'colour'"),
        ({"text": "a", "\ud800\n": 1}, r"has no field '\\ud800\\n'"),
        ({"text": 1}, "field 'text' takes text, not int"),
        ({"text": b"a"}, "field 'text' takes text, not bytes"),
        ({"text": "a", "size": "3"}, "field 'size' takes number, not str"),
        ({"text": "a", "size": True}, "field 'size' takes number, not bool"),
        ({"text": "a", "size": 10**400}, "field 'size': the number is too large"),
        ({"text": "a", "open": 1}, "field 'open' takes bool, not int"),
        ({"text": "a", "scores": 1.0}, "field 'scores' takes numbers, not float"),
        ({"text": "a", "scores": [1, "2"]}, "field 'scores' takes numbers, not list"),
        ({"text": "a", "raw": "AA=="}, "field 'raw' takes bytes, not str"),
    ],
)
def test_refuses_what_does_not_fit_the_task(task: Task, values: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidRecord, match=message):
        make_record(task, values)


def test_names_the_field_at_fault(task: Task) -> None:
    with pytest.raises(InvalidRecord) as caught:
        make_record(task, {"text": "a", "size": "3"})
    assert caught.value.metadata["field"] == "size"


def test_counts_bytes_and_not_characters(task: Task) -> None:
    assert pack(make_record(task, {"text": "x" * 900}), limit=1000)
    with pytest.raises(RecordTooLarge) as caught:
        pack(make_record(task, {"text": "ü" * 500}), limit=1000)
    assert caught.value.metadata == {"size": "1024", "limit": "1000"}


def test_refuses_half_a_surrogate_pair(task: Task) -> None:
    with pytest.raises(InvalidRecord, match="surrogate"):
        pack(make_record(task, {"text": "a\ud83d"}), limit=1000)


_values = st.fixed_dictionaries(
    {"text": st.text(st.characters(exclude_categories=["Cs"]))},
    optional={
        "size": st.floats(allow_nan=False),
        "open": st.booleans(),
        "scores": st.lists(st.floats(allow_nan=False)),
    },
)


@given(values=_values)
def test_packed_form_is_one_line_that_gives_the_values_back(task: Task, values: dict[str, object]) -> None:
    record = make_record(task, values)
    packed = pack(record, limit=1 << 20)
    assert "\n" not in packed
    assert tuple(json.loads(packed)) == record


@given(values=_values, raw=st.binary())
def test_what_was_packed_can_be_unpacked(task: Task, values: dict[str, object], raw: bytes) -> None:
    record = make_record(task, {**values, "raw": raw})
    assert unpack(task, pack(record, limit=1 << 20)) == record


@pytest.mark.parametrize(
    "packed",
    ["", "{}", "[1", '["a"]', "[1,null,null,null,null]", '["a",null,null,null,"no base64"]', '["a",null,null,null,1]'],
)
def test_refuses_to_unpack_what_was_never_packed(task: Task, packed: str) -> None:
    with pytest.raises(InvalidRecord):
        unpack(task, packed)


@given(first=_values, second=_values)
def test_equal_keys_mean_equal_records(task: Task, first: dict[str, object], second: dict[str, object]) -> None:
    one, other = pack(make_record(task, first), 1 << 20), pack(make_record(task, second), 1 << 20)
    assert (record_key(one) == record_key(other)) == (one == other)
    assert len(record_key(one)) == 16


def test_not_a_number_is_a_number(task: Task) -> None:
    record = make_record(task, {"text": "a", "size": math.nan})
    assert math.isnan(json.loads(pack(record, 1000))[1])
