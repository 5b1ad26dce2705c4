from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from labelwright.cli.rows.output_row import ADDED, CsvFormat, JsonLinesFormat, RowFormat, kept_columns
from labelwright.cli.rows.row_reading import InputRow

names = st.one_of(st.sampled_from(["label", "input_label", "input_input_label", "error", "text"]), st.text(max_size=5))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
columns = st.dictionaries(names, values, min_size=1, max_size=5)
ANSWER = {"label": 'a,\n"b"', "probability": 0.5, "version": 1, "source": "memory"}


@given(st.lists(names, unique=True))
def test_no_column_is_lost_and_none_is_overwritten(given_names: list[str]) -> None:
    kept = kept_columns(tuple(given_names))
    assert list(kept) == given_names
    assert len(set(kept.values())) == len(kept)
    assert not set(kept.values()) & set(ADDED)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(columns)
def test_a_json_row_is_one_line_that_tells_its_input(row: dict[str, Any]) -> None:
    check(JsonLinesFormat(), InputRow("line 1", row))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(columns)
def test_a_csv_row_can_be_read_back(row: dict[str, Any]) -> None:
    check(CsvFormat(row, explain=False), InputRow("line 1", row))


def check(row_format: RowFormat, row: InputRow) -> None:
    line = row_format.encode(row, ANSWER)
    assert line.endswith(b"\n")
    assert row_format.matches(line, row)
    other = InputRow("line 1", {name: [value, "other"] for name, value in row.columns.items()})
    assert not row_format.matches(line, other)
    assert {name: str(value) for name, value in row_format.added_part(line).items() if value} == {
        name: str(value) for name, value in ANSWER.items()
    }
