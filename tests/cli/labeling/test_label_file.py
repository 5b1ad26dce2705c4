from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.parts.command import Command
from tests.parts.example_bundles import SPAM
from tests.parts.repository import EXAMPLES
from tests.parts.row_files import UNLABELED, rows_of, write_rows

TEXTS = ["hi mum, see you", 'You have won a "prize",\nn\u00e9', ""]
ADDED = ["label", "probability", "version", "source"]


def test_rows_keep_their_columns_and_get_a_label(labelwright: Command, spam: str, tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    summary = labelwright.json("label", spam, "--input", UNLABELED, "--output", output)
    rows, before = rows_of(output), rows_of(UNLABELED)
    assert [list(row) for row in rows] == [["id", "text", *ADDED]] * len(before)
    assert [row["text"] for row in rows] == [row["text"] for row in before]
    assert {row["version"] for row in rows} == {1}
    assert summary["rows"] == len(rows) == summary["labeled"] + summary["abstained"]
    assert summary["failed"] == 0
    assert summary["labeled"] == sum(row["label"] is not None for row in rows)


def test_a_folder_gives_the_same_labels_and_votes_as_the_server(
    labelwright: Command, spam: str, tmp_path: Path
) -> None:
    served, local = tmp_path / "served.jsonl", tmp_path / "local.jsonl"
    labelwright("label", spam, "--input", UNLABELED, "--output", served, "--explain")
    labelwright("label", "--local", SPAM, "--input", UNLABELED, "--output", local, "--explain")

    def answers(path: Path) -> list[tuple[object, object, object]]:
        return [(row["label"], row["probability"], row["votes"]) for row in rows_of(path)]

    assert answers(served) == answers(local)
    assert {row["version"] for row in rows_of(local)} == {None}


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
def test_the_distribution_is_a_column_and_the_same_from_a_folder_and_the_server(
    labelwright: Command, spam: str, tmp_path: Path, ending: str
) -> None:
    first, served, local = tmp_path / "first.jsonl", tmp_path / f"served.{ending}", tmp_path / "local.jsonl"
    first.write_bytes(UNLABELED.read_bytes())
    labelwright("label", spam, "--input", first, "--output", served, "--distribution")
    with first.open("a") as file:  # so that the output is read again
        file.write('{"id": "last", "text": "a prize that came later"}\n')
    labelwright("label", spam, "--input", first, "--output", served, "--distribution")
    labelwright("label", "--local", SPAM, "--input", first, "--output", local, "--distribution")
    again = tmp_path / "again.jsonl"
    labelwright("label", "--local", SPAM, "--input", served, "--output", again)
    told = [row["input_distribution"] for row in rows_of(again)]
    shares = [row["distribution"] for row in rows_of(local)]
    assert [json.loads(item) if isinstance(item, str) else item for item in told] == shares
    for row in rows_of(local):
        assert not row["distribution"] or sum(row["distribution"].values()) == pytest.approx(1)
        assert row["label"] is None or row["distribution"][row["label"]] == row["probability"]
    begun_otherwise = labelwright("label", spam, "--input", first, "--output", served, exits=2).stderr
    assert "another distribution" in begun_otherwise


def test_standard_input_and_output(labelwright: Command, spam: str) -> None:
    result = labelwright("label", spam, "--input", "-", stdin=UNLABELED.read_bytes())
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(rows) == 500
    assert "500 rows in standard output" in result.stderr


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
def test_every_format_goes_into_every_other(labelwright: Command, spam: str, tmp_path: Path, ending: str) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    rows = [{"id": number, "text": text} for number, text in enumerate(TEXTS)]
    first = write_rows(tmp_path / "first.jsonl", rows)
    middle, last = tmp_path / f"middle.{ending}", tmp_path / "last.parquet"
    labelwright("label", "--local", SPAM, "--input", first, "--output", middle, "--explain")
    labelwright("label", "--local", SPAM, "--input", middle, "--output", last, "--explain")
    table = parquet.read_table(last).to_pylist()
    assert [row["text"] for row in table] == [row["text"] for row in rows]
    assert [str(row["id"]) for row in table] == ["0", "1", "2"]
    assert [row["label"] for row in table] == ["ham", None, "ham"]
    assert [row["input_label"] or None for row in table] == ["ham", None, "ham"]
    assert json.loads(table[0]["votes"])["small_talk"] == "ham"


def test_parquet_keeps_the_types_of_its_columns(offline: Command, tmp_path: Path) -> None:
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    import datetime

    table = arrow.table(
        {
            "text": ["hi mum, see you", None],
            "day": [datetime.date(2026, 1, 2), None],
            "raw": [b"\x00\xff", b""],
            "n": arrow.array([1, 2], arrow.int16()),
        }
    )
    parquet.write_table(table, tmp_path / "in.parquet")
    offline("label", "--local", SPAM, "--input", tmp_path / "in.parquet", "--output", tmp_path / "out.parquet", exits=1)
    output = parquet.read_table(tmp_path / "out.parquet")
    assert output.select(table.column_names).equals(table)
    assert output["label"].to_pylist() == ["ham", None]
    assert output["error"].to_pylist()[1].startswith("row 2: INVALID_RECORD: ")
    offline("label", "--local", SPAM, "--input", tmp_path / "in.parquet", "--output", tmp_path / "o.csv", exits=1)
    assert (tmp_path / "o.csv").read_text().splitlines()[1].startswith('"hi mum, see you",2026-01-02,AP8=,1,ham')


def test_rows_that_cannot_be_labeled_are_named_and_counted(labelwright: Command, spam: str, tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_bytes(
        b'{"text": "hi mum, see you"}\nnonsense\n\n[1]\n{"text": 7}\n{"other": 1}\n\xff\xfe\n'
        b'{"text": "' + b"x" * 100_000 + b'"}\n{"text": "hi mum, see you"}'
    )
    output = tmp_path / "out.jsonl"
    summary = labelwright.json("label", spam, "--input", source, "--output", output, exits=1)
    rows = rows_of(output)
    assert [row["label"] for row in rows] == ["ham", None, None, None, None, None, None, "ham"]
    assert [str(row.get("error"))[:7] for row in rows] == [
        "None", "line 2:", "line 4:", "line 5:", "line 6:", "line 7:", "line 8:", "None",
    ]  # fmt: skip
    assert "RECORD_TOO_LARGE" in rows[6]["error"]
    assert (summary["labeled"], summary["failed"]) == (2, 6)


def test_a_csv_row_with_a_wrong_number_of_columns_is_named(offline: Command, tmp_path: Path) -> None:
    source, output = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_bytes(b'id,text\r\n1,"hi mum,\nsee you"\r\n2\r\n3,a,b\r\n4,\xff\r\n')
    offline("label", "--local", SPAM, "--input", source, "--output", output, exits=1)
    with output.open(newline="", encoding="utf-8", errors="surrogateescape") as lines:
        rows = list(csv.DictReader(lines))
    assert [row["id"] for row in rows] == ["1", "2", "3", "4"]
    assert rows[0]["label"] == "ham"
    assert rows[1]["error"] == "line 4: INVALID_ROW: has 1 columns, the header 2"
    assert rows[3]["error"].endswith("is not valid UTF-8, perhaps cp1252 or cp932")
    assert rows[3]["text"].encode("utf-8", "surrogateescape") == b"\xff", "the bytes stay as they came"


def test_csv_texts_become_numbers_and_flags(labelwright: Command, sensors: str, tmp_path: Path) -> None:
    rows = rows_of(EXAMPLES / "sensors" / "unlabeled.jsonl")[:50]
    source = tmp_path / "in.csv"
    with source.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    labelwright("label", sensors, "--input", source, "--output", tmp_path / "csv.jsonl")
    labelwright(
        "label", sensors, "--input", write_rows(tmp_path / "in.jsonl", rows), "--output", tmp_path / "json.jsonl"
    )
    labels = [[row["label"] for row in rows_of(tmp_path / name)] for name in ("csv.jsonl", "json.jsonl")]
    assert labels[0] == labels[1]


def test_a_column_named_like_an_added_one_is_kept_under_another_name(offline: Command, tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [{"text": "hi mum, see you", "label": "x", "input_label": "y", "error": 1}]
    offline(
        "label", "--local", SPAM, "--input", write_rows(tmp_path / "in.jsonl", rows), "--output", tmp_path / "o.jsonl"
    )
    assert rows_of(tmp_path / "o.jsonl") == [
        {
            "text": "hi mum, see you",
            "input_input_label": "x",
            "input_label": "y",
            "input_error": 1,
            "label": "ham",
            "probability": 1.0,
            "version": None,
            "source": "computed",
        }
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--input", "missing.jsonl"], "No such file"),
        (["--input", "."], "format is unknown"),
        (["--input", "x.txt"], "format is unknown"),
        (["--input", "broken.parquet"], "Parquet"),
        (["--input", "empty.csv"], "header"),
        (["--input", "twice.csv"], "header"),
        (["--input", "one.jsonl", "--output", "one.jsonl"], "same file"),
        (["--input", "one.jsonl.partial.jsonl", "--output", "one.jsonl"], "same file"),
        (["--input", "one.jsonl", "--output", "no/such/folder/x.jsonl"], "No such file"),
        (["--input", "one.jsonl", "--output", "-", "--output-format", "parquet"], "standard output"),
        (["--input", "one.jsonl", "--output", "folder.jsonl"], "no regular file"),
        (["--input", "pipe.jsonl", "--output-format", "csv"], "beforehand"),
        (["--input", "one.jsonl", "some text"], "together"),
    ],
)
def test_files_that_cannot_be_used(
    labelwright: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("broken.parquet").write_bytes(b"PAR1 no")
    Path("empty.csv").touch()
    Path("folder.jsonl").mkdir()
    os.mkfifo("pipe.jsonl")
    Path("twice.csv").write_text("a,a\n1,2\n")
    Path("one.jsonl").write_text('{"text": "a"}\n')
    assert message in labelwright("label", "--local", SPAM, *arguments, exits=2).stderr


def test_csv_of_rows_from_a_pipe_has_all_columns(labelwright: Command, tmp_path: Path) -> None:
    output = tmp_path / "out.csv"
    piped = b'{"text": "hi mum, see you"}\n{"text": "b", "more": 1}\n'
    labelwright("label", "--local", SPAM, "--input", "-", "--output", output, stdin=piped)
    with output.open(newline="") as lines:
        assert [(row["label"], row["more"]) for row in csv.DictReader(lines)] == [("ham", ""), ("ham", "1")]


def test_csv_output_of_uneven_rows_has_all_columns(offline: Command, tmp_path: Path) -> None:
    source = write_rows(tmp_path / "in.jsonl", [{"text": "a"}, {"text": "b", "more": [1, {"x": None}]}])
    offline("label", "--local", SPAM, "--input", source, "--output", tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(newline="") as lines:
        assert [row["more"] for row in csv.DictReader(lines)] == ["", '[1, {"x": null}]']


def test_a_server_that_is_away_is_named(labelwright: Command, spam: str, tmp_path: Path) -> None:
    arguments = ["label", spam, "--input", UNLABELED, "--output", tmp_path / "o.jsonl", "--service", "127.0.0.1:9"]
    assert "the label service at 127.0.0.1:9 cannot be reached" in labelwright(*arguments, exits=3).stderr


def test_whoever_reads_the_output_may_leave_early(labelwright: Command, spam: str) -> None:
    words = f"{sys.executable} -m labelwright.cli label {spam} --input {UNLABELED} | head -1"
    process = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {words}"],
        env={**os.environ, **labelwright.environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert len(process.stdout.splitlines()) == 1
    assert "Traceback" not in process.stderr
    assert "Error" not in process.stderr
