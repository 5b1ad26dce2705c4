"""Values of input columns that a format has no type for: a run keeps what it labeled, and they become text."""

from __future__ import annotations

import csv
import datetime
import decimal
import json
from pathlib import Path
from typing import Any

import pytest

from tests.parts.command import Command
from tests.parts.example_bundles import SPAM

LOCAL = Command("", "")
TEXT = "hi mum, see you"

arrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")


def label(source: Path, output: Path) -> Path:
    LOCAL("label", "--local", SPAM, "--input", source, "--output", output)
    return output


HELD: list[tuple[list[str], list[object]]] = [
    (['"mo\\ud83d"'], ["mo\ufffd"]),
    (['["\\udc00"]'], [["\ufffd"]]),
    (['{"a\\udc00": "\\udc00"}'], [{"a\ufffd": "\ufffd"}]),
    (["123456789012345678901234567890", "1"], ["123456789012345678901234567890", "1"]),
    (["18446744073709551615", "-1"], ["18446744073709551615", "-1"]),
    (["[123456789012345678901234567890]"], ["[123456789012345678901234567890]"]),
    (["{}"], ["{}"]),
    (["[]", "[1]"], [[], [1]]),
    (["1.5", "NaN", "Infinity"], [1.5, None, None]),
    (["9007199254740993", "0.5"], ["9007199254740993", "0.5"]),
    (["1", '"one"'], ["1", "one"]),
]
"""Columns: what a JSON Lines file holds, and what Parquet holds of it."""


def test_parquet_holds_what_json_held(tmp_path: Path) -> None:
    source, rows = tmp_path / "in.jsonl", max(len(values) for values, _ in HELD)
    cells = [[f'"{number}": {value}' for value in values] for number, (values, _) in enumerate(HELD)]
    lines = [", ".join(column[row] for column in cells if row < len(column)) for row in range(rows)]
    source.write_text("".join(f'{{"text": "{TEXT}", {line}}}\n' for line in lines))
    table = parquet.read_table(label(source, tmp_path / "out.parquet")).to_pydict()
    for number, (_, kept) in enumerate(HELD):
        assert table[str(number)] == kept + [None] * (rows - len(kept))
    assert table["label"] == ["ham"] * rows


def test_parquet_holds_numbers_that_only_rows_far_apart_do_not_agree_on(tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    values = ["0.5"] * 4096 + ["9007199254740993"]
    source.write_text("".join(f'{{"text": "{TEXT}", "more": {value}}}\n' for value in values))
    output = label(source, tmp_path / "out.parquet")
    assert parquet.read_table(output)["more"].to_pylist()[4095:] == ["0.5", "9007199254740993"]


TYPED: dict[str, tuple[Any, list[Any], list[object]]] = {
    "nanoseconds": (
        arrow.timestamp("ns"),
        [1, 1_000_000_000, -1000],
        ["1970-01-01T00:00:00.000000001", "1970-01-01T00:00:01", "1969-12-31T23:59:59.999999"],
    ),
    "nanoseconds of a zone": (arrow.timestamp("ns", "Asia/Tokyo"), [0], ["1970-01-01T00:00:00+00:00"]),
    "duration": (arrow.duration("ns"), [1, -1_500_000_000], ["PT0.000000001S", "-PT1.5S"]),
    "duration of microseconds": (arrow.duration("us"), [90_000_000], ["PT90S"]),
    "time": (arrow.time64("ns"), [1, 3_600_000_000_000], ["00:00:00.000000001", "01:00:00"]),
    "year 14645": (arrow.timestamp("ms"), [400_000_000_000_000], ["+14645-06-30T15:06:40"]),
    "far date": (arrow.date32(), [3_000_000, 0], ["+10183-09-21", "1970-01-01"]),
    "decimal": (arrow.decimal128(10, 2), [decimal.Decimal("1.50")], ["1.50"]),
    "date": (arrow.date32(), [datetime.date(2026, 1, 2)], ["2026-01-02"]),
    "moment": (arrow.timestamp("us", "UTC"), [0], ["1970-01-01T00:00:00+00:00"]),
    "time of microseconds": (arrow.time64("us"), [1], ["00:00:00.000001"]),
    "bytes": (arrow.binary(), [b"\x00\xff"], ["AP8="]),
    "words": (arrow.dictionary(arrow.int32(), arrow.string()), ["a", "b", "a"], ["a", "b", "a"]),
    "nested": (
        arrow.struct([("at", arrow.list_(arrow.timestamp("ns")))]),
        [{"at": [1]}],
        [{"at": ["1970-01-01T00:00:00.000000001"]}],
    ),
    "map": (
        arrow.map_(arrow.string(), arrow.duration("ns")),
        [[("a", 1)]],
        [[["a", "PT0.000000001S"]]],
    ),
    "list": (arrow.list_(arrow.int64()), [[1, 2]], [[1, 2]]),
    "not a number": (arrow.float64(), [float("nan"), 0.5], [None, 0.5]),
    "large": (arrow.uint64(), [2**64 - 1], [2**64 - 1]),
}


@pytest.fixture
def table(tmp_path: Path) -> Any:
    """A column of each type, in a file ``in.parquet``."""
    rows = max(len(values) for _, values, _ in TYPED.values()) + 1
    columns = {name: _padded(values, rows) for name, (_, values, _) in TYPED.items()}
    made = arrow.table(
        {"text": [TEXT] * rows} | {name: arrow.array(values, TYPED[name][0]) for name, values in columns.items()}
    )
    parquet.write_table(made, tmp_path / "in.parquet")
    return parquet.read_table(tmp_path / "in.parquet")


def _padded(values: list[Any], rows: int) -> list[Any]:
    return values + [None] * (rows - len(values))


def test_parquet_to_parquet_is_unharmed(table: Any, tmp_path: Path) -> None:
    made = parquet.read_table(label(tmp_path / "in.parquet", tmp_path / "out.parquet"))
    assert made["label"].to_pylist() == ["ham"] * len(table)
    for name in table.column_names:
        assert made[name].type == table[name].type
        assert str(made[name]) == str(table[name])
        assert made[name].equals(table[name]) or name == "not a number"


def test_parquet_becomes_json_and_csv(table: Any, tmp_path: Path) -> None:
    source = tmp_path / "in.parquet"
    lines = [
        json.loads(line, parse_constant=pytest.fail)
        for line in label(source, tmp_path / "out.jsonl").read_text().splitlines()
    ]
    piped = LOCAL("label", "--local", SPAM, "--input", source, "--output", "-", "--output-format", "csv").stdout
    written = label(source, tmp_path / "out.csv").read_text()
    for name, (_, _, shown) in TYPED.items():
        padded = _padded(shown, len(lines))
        assert [row[name] for row in lines] == padded
        cells = ["" if value is None else value if isinstance(value, str) else json.dumps(value) for value in padded]
        for text in (piped, written):
            assert [row[name] for row in csv.DictReader(text.splitlines())] == cells


def test_csv_and_parquet_have_one_sign_for_half_a_pair(tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text(f'{{"text": "{TEXT}", "more": "mo\\ud83d"}}\n')
    assert "mo\ufffd" in label(source, tmp_path / "out.csv").read_text(encoding="utf-8")
