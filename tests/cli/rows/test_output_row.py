from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from labelwright.cli.rows.output_row import ADDED, CsvFormat, JsonLinesFormat, kept_columns
from labelwright.client.messages.labels import Details

names = st.one_of(st.sampled_from(["label", "input_label", "input_input_label", "error", "text"]), st.text(max_size=5))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
columns = st.dictionaries(names, values, min_size=1, max_size=5)
slowly = settings(suppress_health_check=[HealthCheck.too_slow])
ANSWER = {"label": 'a,\n"b"', "probability": 0.5, "version": 1, "source": "memory"}


@given(st.lists(names, unique=True))
def test_no_column_is_lost_and_none_is_overwritten(input_names: list[str]) -> None:
    kept = kept_columns(tuple(input_names))
    assert list(kept) == input_names
    assert len(set(kept.values())) == len(kept)
    assert not set(kept.values()) & set(ADDED)


@slowly
@given(columns)
def test_a_json_row_is_one_line_with_all_that_went_in(row: dict[str, Any]) -> None:
    line = JsonLinesFormat().encode(row, ANSWER)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert list(json.loads(line).values()) == [*row.values(), *ANSWER.values()]


def test_what_is_no_number_or_infinite_is_null() -> None:
    row = {"a": float("nan"), "b": [1.5, float("inf")], "c": {"d": -float("inf")}}
    line = JsonLinesFormat().encode(row, ANSWER)
    assert list(json.loads(line, parse_constant=pytest.fail).values())[:3] == [None, [1.5, None], {"d": None}]
    form = CsvFormat(row, Details())
    assert form.encode(row, ANSWER).decode().startswith(',"[1.5, null]","{""d"": null}",')


@slowly
@given(columns)
def test_a_csv_row_can_be_read_back(row: dict[str, Any]) -> None:
    form = CsvFormat(row, Details())
    text = (form.header + form.encode(row, ANSWER)).decode()
    ((name_cells), cells) = csv.reader(io.StringIO(text, newline=""), strict=True)
    assert name_cells[len(row) :] == ["label", "probability", "version", "source", "error"]
    assert cells[len(row) :] == ['a,\n"b"', "0.5", "1", "memory", ""]
    for value, cell in zip(row.values(), cells, strict=False):
        if isinstance(value, str):
            assert cell == value
        elif value is not None and not isinstance(value, bool):
            assert json.loads(cell) == value
