from __future__ import annotations

import json

import pytest
from labelwright.core.errors import InvalidRecord
from labelwright.core.row import parse_rows, record_from_row, row_of_record
from labelwright.core.task import Task


def test_leaves_out_columns_that_are_no_fields(task: Task) -> None:
    assert record_from_row(task, {"id": 7, "text": "a", "label": "good"}) == ("a", None, None, None, None)


def test_reads_the_texts_of_a_csv_file_as_the_field_wants_them(task: Task) -> None:
    row = {"text": "1", "size": " 2.5", "open": "Yes", "scores": "[1, 2]", "raw": "aGk="}
    assert record_from_row(task, row) == ("1", 2.5, True, [1.0, 2.0], b"hi")


def test_a_record_survives_as_a_row(task: Task) -> None:
    for record in (("a", 2.5, False, [1.0], b"\x00\xff"), ("a", None, None, None, None)):
        assert record_from_row(task, json.loads(json.dumps(row_of_record(task, record)))) == record


def test_an_empty_cell_of_an_optional_field_is_no_value(task: Task) -> None:
    assert record_from_row(task, {"text": "", "size": "", "open": "", "raw": ""}) == ("", None, None, None, None)


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("size", "two"),
        ("open", "maybe"),
        ("scores", "1;2"),
        ("scores", "[" * 100_000),
        ("scores", "{}"),
        ("raw", "?"),
        ("raw", "é"),
    ],
)
def test_names_the_field_whose_text_cannot_be_read(task: Task, field: str, text: str) -> None:
    with pytest.raises(InvalidRecord, match=f"field '{field}'"):
        record_from_row(task, {"text": "a", field: text})


def test_reads_labels_and_ids_and_skips_empty_lines(task: Task) -> None:
    text = '{"id": 3, "text": "a", "label": "bad"}\n\n{"text": "line\u2028separator", "label": "good"}\n'
    rows, findings = parse_rows(task, text, "gold.jsonl", labeled=True)
    assert findings == []
    assert [(row.id, row.label, row.record[0]) for row in rows] == [("3", 1, "a"), ("", 0, "line\u2028separator")]


def test_ignores_labels_where_none_are_wanted(task: Task) -> None:
    rows, findings = parse_rows(task, '{"text": "a", "label": "nonsense"}', "sample.jsonl", labeled=False)
    assert (rows[0].label, findings) == (None, [])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ("9" * 5_000, "not valid JSON"),
        ('"a"', "not a JSON object"),
        ('{"label": "good"}', "field 'text' is missing"),
        ('{"text": "a"}', "the label is None, not one of the task's"),
        ('{"text": "a", "label": "Good"}', "the label is 'Good', not one of the task's"),
        ('{"text": "a", "label": ["good"]}', "the label is ['good'], not one of the task's"),
        ('{"text": "\\ud800", "label": "good"}', "half of a surrogate pair"),
        ('{"text": "' + "a" * 2_000 + '", "label": "good"}', "the record takes"),
    ],
)
def test_places_a_faulty_line_and_keeps_the_others(task: Task, line: str, message: str) -> None:
    good = '{"text": "a", "label": "good"}'
    rows, findings = parse_rows(task, f"{good}\n{line}\n{good}", "gold.jsonl", labeled=True)
    assert len(rows) == 2
    assert [(item.file, item.line, item.code) for item in findings] == [("gold.jsonl", 2, "LW121")]
    assert message in findings[0].message


@pytest.mark.parametrize(
    ("columns", "hint"),
    [
        (["id", "Text"], "; is it the column 'Text'?"),
        ([" text", "id"], "; is it the column ' text'?"),
        (["\uff34\uff25\uff38\uff34"], "; is it the column '\uff34\uff25\uff38\uff34'?"),
        (["texts", "body"], "; is it the column 'texts'?"),
        (["id", "body"], ""),
        ([], ""),
    ],
)
def test_names_the_column_that_may_be_meant(task: Task, columns: list[str], hint: str) -> None:
    with pytest.raises(InvalidRecord) as caught:
        record_from_row(task, dict.fromkeys(columns, "a"))
    assert caught.value.message == f"field 'text' is missing{hint}"
    assert caught.value.advice == f"there are: {', '.join(map(repr, columns)) or 'no columns'}"
