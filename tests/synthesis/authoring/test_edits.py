from __future__ import annotations

import pytest
from labelwright.synthesis.authoring.edits import apply_edits

SOURCE = "WORDS = ['a']\n\ndef label(text):\n    return 'a'\n    return 'a'\n"


def edit(old: str, new: str) -> str:
    return f"<<<<<<< SEARCH\n{old}=======\n{new}>>>>>>> REPLACE\n"


def test_edits_take_the_place_of_the_lines_that_they_name() -> None:
    first, second = (
        edit("WORDS = ['a']\n", "WORDS = ['a', 'b']\n"),
        edit("def label(text):\n", "def label(text):\n    x = 1\n"),
    )
    answer = f"Two changes:\n{first}and\n{second}"
    edited = apply_edits(SOURCE, answer)
    assert edited.source.startswith("WORDS = ['a', 'b']\n\ndef label(text):\n    x = 1\n")
    assert (edited.applied, edited.refused) == (2, ())


def test_lines_may_be_dropped_and_line_ends_may_be_those_of_windows() -> None:
    edited = apply_edits(SOURCE, edit("WORDS = ['a']\n", "").replace("\n", "\r\n"))
    assert edited.source.startswith("\ndef label")


@pytest.mark.parametrize(
    ("old", "why"),
    [("WORDS = ['b']\n", "matches no lines"), ("    return 'a'\n", "matches 2 places"), ("\n", "matches no lines")],
)
def test_an_edit_that_does_not_match_one_place_is_refused_and_said_to_be(old: str, why: str) -> None:
    edited = apply_edits(SOURCE, edit(old, "x = 1\n"))
    assert edited.source == SOURCE
    assert edited.applied == 0
    assert why in edited.refused[0]


@pytest.mark.parametrize("answer", ["", "KEEP", "<<<<<<< SEARCH\nWORDS", "```python\nx = 1\n```"])
def test_an_answer_without_edits_changes_nothing(answer: str) -> None:
    assert apply_edits(SOURCE, answer) == type(apply_edits(SOURCE, ""))(SOURCE, 0, ())
