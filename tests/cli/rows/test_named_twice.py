"""A column or key that stands twice: which of the two is meant would be a guess, in any format."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from labelwright.cli.rows.row_reading import open_rows
from labelwright.core.bundle import open_bundle
from labelwright.core.errors import ConfigurationError

from tests.parts.command import Command
from tests.parts.example_bundles import SPAM

LOCAL = Command("", "")


def told(path: Path) -> str:
    with pytest.raises(ConfigurationError) as caught, closing(open_rows(str(path))):
        pass
    return str(caught.value.message).removeprefix(str(path))


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("id,text,text", ", line 1: the header has the column 'text' 2 times: columns 2, 3"),
        ("text,,", ", line 1: the header has 2 columns without a name: columns 2, 3"),
        ("", ", line 1: the header is missing"),
    ],
)
def test_a_csv_header_has_one_fault_and_names_its_columns(tmp_path: Path, header: str, message: str) -> None:
    path = tmp_path / "in.csv"
    path.write_text(f"{header}\n1,a,b\n")
    assert told(path) == message


def test_one_column_of_a_csv_file_may_go_without_a_name(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text(",text\n0,hi mum\n")
    with closing(open_rows(str(path))) as source:
        assert [row.columns for row in source.rows()] == [{"": "0", "text": "hi mum"}]


def test_parquet_names_its_columns_too(tmp_path: Path) -> None:
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "in.parquet"

    def write(names: list[str], kind: Any, value: Any) -> None:
        columns = [arrow.array([value], kind) for _ in names]
        parquet.write_table(arrow.Table.from_arrays(columns, names=names), path)

    write(["text", "text"], arrow.string(), "a")
    assert told(path) == " has the column 'text' 2 times: columns 1, 2"
    write(["a", "b"], arrow.map_(arrow.string(), arrow.list_(arrow.struct([("x", arrow.string())]))), [("k", [])])
    with closing(open_rows(str(path))) as source:
        assert source.columns == ("a", "b")


@pytest.mark.parametrize(
    "line",
    ['{"text": "hi mum, see you", "text": "win"}', '{"text": "hi mum, see you", "more": [{"a": {"x": 1, "x": 2}}]}'],
)
def test_a_json_object_is_a_row_that_cannot_be_labeled(tmp_path: Path, line: str) -> None:
    source, output = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text(f'{line}\n{{"text": "hi mum, see you", "a": {{"x": 1}}, "b": {{"x": 1}}}}\n')
    LOCAL("label", "--local", SPAM, "--input", source, "--output", output, exits=1)
    twice, once = (json.loads(line) for line in output.read_text().splitlines())
    assert once["label"] == "ham"
    assert twice["label"] is None
    assert twice["error"].startswith("line 1: INVALID_ROW: not valid JSON: the key '")
    assert twice["error"].endswith("' stands twice in one object")


@pytest.mark.parametrize(
    ("file", "text", "line"),
    [
        ("gold.jsonl", '{"text": "a", "label": "ham", "label": "spam"}', 1),
        ("sample.jsonl", '{"text": "a", "text": "b"}', 1),
        ("label_model.json", '{"kind": "majority", "kind": "majority"}', 0),
        ("provenance.json", '{"model": "a", "model": "b"}', 0),
    ],
)
def test_a_bundle_holds_no_such_object(file: str, text: str, line: int) -> None:
    files = {path.relative_to(SPAM).as_posix(): path.read_bytes() for path in SPAM.rglob("*.*")}
    bundle, findings = open_bundle((files | {file: text.encode()}).items())
    assert bundle is None
    (finding,) = findings
    assert (finding.file, finding.line) == (file, line)
    assert "stands twice" in finding.message


def test_a_field_on_the_command_line_is_given_once() -> None:
    fields = ["--field", "text=hi", "--field", "text=mum"]
    assert "--field 'text' is given twice" in LOCAL("label", "--local", SPAM, *fields, exits=2).stderr
