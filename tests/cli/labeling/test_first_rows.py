"""Where the first hundred rows have one and the same fault, it is the file's: the command ends at once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.parts.command import Command
from tests.parts.example_bundles import SPAM

LOCAL = Command("", "")
FINE = {"text": "hi mum, see you"}


def write(path: Path, *rows: tuple[dict[str, str], int]) -> Path:
    path.write_text("".join((json.dumps(row) + "\n") * count for row, count in rows))
    return path


@pytest.mark.parametrize("name", ["Text", " text"])
def test_a_column_of_another_name_ends_the_run_before_it_begins(tmp_path: Path, name: str) -> None:
    source = write(tmp_path / "in.jsonl", ({"id": "1", name: "hi mum"}, 300))
    for output in ("out.jsonl", "out.csv", "out.parquet"):
        told = LOCAL("label", "--local", SPAM, "--input", source, "--output", tmp_path / output, exits=2).stderr
        assert "none of the first 100 rows can be labeled: INVALID_RECORD: field 'text' is missing" in told
        assert f"is it the column {name!r}?" in told
        assert f"the task's fields: text; the rows have: 'id', {name!r}" in told
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]
    piped = LOCAL("label", "--local", SPAM, "--input", source, "--output-format", "csv", exits=2)
    assert piped.stdout == ""


def test_an_older_output_stays(tmp_path: Path) -> None:
    source, output = write(tmp_path / "in.jsonl", ({"Text": "hi"}, 100)), tmp_path / "out.jsonl"
    output.write_text("precious\n")
    LOCAL("label", "--local", SPAM, "--input", source, "--output", output, "--overwrite", exits=2)
    assert output.read_text() == "precious\n"


@pytest.mark.parametrize(
    "rows",
    [
        [({"Text": "a"}, 99)],
        [({"Text": "a"}, 99), (FINE, 2)],
        [({"Text": "a"}, 50), ({"other": "a"}, 50), (FINE, 1)],
        [(FINE, 1), ({"Text": "a"}, 200)],
    ],
)
def test_otherwise_each_row_is_tried(tmp_path: Path, rows: list[tuple[dict[str, str], int]]) -> None:
    source, output = write(tmp_path / "in.jsonl", *rows), tmp_path / "out.jsonl"
    LOCAL("label", "--local", SPAM, "--input", source, "--output", output, exits=1)
    labels = [json.loads(line)["label"] for line in output.read_text().splitlines()]
    assert labels == ["ham" if row is FINE else None for row, count in rows for _ in range(count)]


def test_rows_that_came_later_are_tried_too(tmp_path: Path) -> None:
    source, output = write(tmp_path / "in.jsonl", (FINE, 1)), tmp_path / "out.jsonl"
    LOCAL("label", "--local", SPAM, "--input", source, "--output", output)
    write(source, (FINE, 1), ({"Text": "a"}, 150))
    LOCAL("label", "--local", SPAM, "--input", source, "--output", output, exits=1)
    assert len(output.read_text().splitlines()) == 151


def test_bundles_are_not_compared_on_rows_of_another_shape(tmp_path: Path) -> None:
    source = write(tmp_path / "in.jsonl", ({"Text": "hi"}, 100))
    told = LOCAL("diff", SPAM, SPAM, "--records", source, exits=2).stderr
    assert "is it the column 'Text'?" in told
