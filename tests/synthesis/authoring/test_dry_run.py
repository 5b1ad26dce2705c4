from __future__ import annotations

import pytest
from labelwright.core.task import Task
from labelwright.synthesis.authoring.dry_run import odd_findings

RECORDS = [("Great film, \uff27\uff32\uff25\uff21\uff34 cast",), ("a dull one",)]
USED = 'WORDS = ["great", "fine", "nice", "lovely", "superb", "grand", "sweet", "swell"]\n'
SILENT = 'WORDS = ["zzz", "yyy", "xxx", "www", "vvv", "uuu", "ttt", "sss"]\n'


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ('W = {"a": 1, "b": 2, "a": 3}\n', "line 1: the key 'a' stands twice"),
        ('W = {("sports", 4): "x", ("sports", 4.0): "y"}\n', "stands twice"),
        ('def label(text):\n    return {1: "good", True: "bad"}.get(len(text))\n', "line 2: the key True stands twice"),
        (SILENT, "none of the 8 words in this table occurs in any record"),
    ],
)
def test_what_looks_like_a_mistake_is_told_with_its_line(reviews: Task, source: str, told: str) -> None:
    (finding,) = odd_findings(reviews, source, RECORDS, 10.0)
    assert told in finding


@pytest.mark.parametrize(
    "source",
    [
        USED,
        'WORDS = "zzz yyy xxx www vvv uuu great sss".split()\n',
        'W = {"a": 1, "a": 1, "b": 2}\n',
        "W = {x: 1, y: 2}\nD = {**a, **b}\n",
        r'PATTERNS = [r"\bzz+", r"yy+", r"x{2}", r"w|v", "u?", "t*", "(s)", "[r]", "q$"]' + "\n",
        'W = ["zzz", "yyy"]\n',
        "not python at all",
    ],
)
def test_what_may_well_be_meant_so_is_not(reviews: Task, source: str) -> None:
    assert odd_findings(reviews, source, RECORDS, 10.0) == []


def test_slow_programs_are_told_how_slow_they_are(reviews: Task) -> None:
    (finding,) = odd_findings(reviews, USED, RECORDS, 12_345.0)
    assert "12 ms a record" in finding


def test_without_records_no_table_is_silent(reviews: Task) -> None:
    assert odd_findings(reviews, SILENT, [], 10.0) == []
