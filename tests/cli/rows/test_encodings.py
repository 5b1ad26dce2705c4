"""Files that are not UTF-8: read where their encoding is known, named where it is not, and kept as they came."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from labelwright.core.text.encoding import likely_encodings, not_utf8, wide_encoding

from tests.parts.command import Command
from tests.parts.example_bundles import SPAM

LOCAL = Command("", "")
JAPANESE = 'id,text,note\n1,"hi mum, see you",東京の天気はどうですか\n'
FRENCH = 'id,text,note\n1,"hi mum, see you",café au lait\n'


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("東京の天気はどうですか", "cp932"),
        ("カメラの部品表", "cp932"),
        ("東京の天気はどうですか", "euc_jp"),
        ("café, très bien", "cp1252"),
        ("“Grüße”: 5 €", "cp1252"),
        ("plain text", "utf-16"),
        ("plain text", "utf-32"),
        ("plain text", "utf-16-le"),
        ("plain text", "utf-16-be"),
        ("plain text", "utf-32-be"),
    ],
)
def test_the_likeliest_encoding_is_named(text: str, encoding: str) -> None:
    assert likely_encodings(text.encode(encoding))[0] == encoding
    assert f"not valid UTF-8, perhaps {encoding}" in not_utf8(text.encode(encoding))


@pytest.mark.parametrize("text", ["plain text", "", "a\0b", "東京"])
def test_utf8_is_no_wide_encoding(text: str) -> None:
    assert wide_encoding(text.encode()) == ""


@pytest.mark.parametrize(
    ("content", "options"),
    [
        (JAPANESE.encode("cp932"), ["--encoding", "cp932"]),
        (JAPANESE.encode("euc_jp"), ["--encoding", "euc_jp"]),
        (JAPANESE.encode("utf-8-sig"), []),
        (JAPANESE.encode("utf-16"), []),
        (JAPANESE.encode("utf-32"), []),
        (JAPANESE.encode("utf-16-le"), ["--encoding", "utf-16-le"]),
        ("id\ttext\tnote\r\n1\thi mum, see you\t東京の天気はどうですか\r\n".encode("utf-16"), []),
        ("id;text;note\r\n1;hi mum, see you;東京の天気はどうですか\r\n".encode(), []),
    ],
)
def test_a_spreadsheet_is_read(tmp_path: Path, content: bytes, options: list[str]) -> None:
    (tmp_path / "in.csv").write_bytes(content)
    LOCAL("label", "--local", SPAM, "--input", tmp_path / "in.csv", "--output", tmp_path / "out.csv", *options)
    (row,) = csv.DictReader(io.StringIO((tmp_path / "out.csv").read_text(encoding="utf-8")))
    assert (row["text"], row["note"], row["label"]) == ("hi mum, see you", "東京の天気はどうですか", "ham")


def test_json_lines_of_another_encoding_come_through_a_pipe() -> None:
    line = '{"text": "hi mum, see you", "note": "東京"}\n'.encode("cp932")
    done = LOCAL("label", "--local", SPAM, "--input", "-", "--encoding", "cp932", stdin=line)
    assert json.loads(done.stdout)["note"] == "東京"


@pytest.mark.parametrize(("text", "encoding"), [(JAPANESE, "cp932"), (FRENCH, "cp1252")])
def test_a_row_that_is_not_utf8_goes_out_as_it_came(tmp_path: Path, text: str, encoding: str) -> None:
    source, output = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_bytes(text.encode(encoding) + b'2,"hi mum, see you",fine\n')
    for _ in range(2):  # a rerun finds nothing left to do
        LOCAL("label", "--local", SPAM, "--input", source, "--output", output, exits=1)
        lines = output.read_bytes().splitlines()
        assert lines[1].startswith(text.encode(encoding).splitlines()[1])
        assert f"line 2: INVALID_ROW: the column 'note' is not valid UTF-8, perhaps {encoding}".encode() in lines[1]
        assert lines[2].startswith(b'2,"hi mum, see you",fine,ham')
    LOCAL("label", "--local", SPAM, "--input", source, "--output", tmp_path / "out.jsonl", exits=1)
    first = json.loads((tmp_path / "out.jsonl").read_text().splitlines()[0])
    assert first["note"].encode("utf-8", "surrogateescape").decode(encoding) in text


@pytest.mark.parametrize(
    ("name", "content", "options", "told"),
    [
        ("in.csv", "id,text\n1,a\n".encode("utf-16-le"), [], "this is utf-16-le text, not UTF-8"),
        ("in.csv", "番号,text\n1,a\n".encode("cp932"), [], "the header's column 1 is not valid UTF-8, perhaps"),
        ("in.csv", b"id,text\n", ["--encoding", "klingon"], "there is no encoding 'klingon'"),
        ("in.csv", b"id,text\n", ["--encoding", "base64"], "there is no encoding 'base64'"),
        ("in.parquet", b"PAR1", ["--encoding", "cp932"], "Parquet has no encoding"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, name: str, content: bytes, options: list[str], told: str) -> None:
    (tmp_path / name).write_bytes(content)
    assert told in LOCAL("label", "--local", SPAM, "--input", tmp_path / name, *options, exits=2).stderr
