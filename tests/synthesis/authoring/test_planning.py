from __future__ import annotations

import json

import pytest
from labelwright.core.task import Task
from labelwright.synthesis.authoring.planning import default_plan, read_plan


def test_a_plan_is_read_from_whatever_stands_around_it(reviews: Task) -> None:
    entries = [
        {"name": "Praise Words!", "kind": "vocabulary", "idea": "praise", "labels": ["good", "unknown"]},
        {"name": "praise words", "idea": "the same name"},
        {"name": "42", "kind": "numbers", "idea": "stars", "labels": "good"},
    ]
    plan = read_plan(reviews, f"Here it is:\n```json\n{json.dumps(entries)}\n```\nShall I begin?", 10)
    assert [item.name for item in plan] == ["praise_words", "praise_words_2", "program_42"]
    assert plan[0].labels == ("good",)
    assert plan[1].labels == plan[2].labels == reviews.label_names


def test_a_plan_has_no_more_programs_than_were_asked_for(reviews: Task) -> None:
    entries = [{"name": f"p{number}", "idea": "i"} for number in range(30)]
    assert len(read_plan(reviews, json.dumps(entries), 4)) == 4


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "I would write ten programs.",
        '{"name": "a"}',
        "[1, 2]",
        '[{"name": "a"}]',
        '[{"name": "a", "idea": 5}]',
        '[{"name": "a", "idea": "b"',
        '[{"a": ' + "[" * 20_000 + "}]",
    ],
)
def test_what_is_no_plan_is_none(reviews: Task, answer: str) -> None:
    assert read_plan(reviews, answer, 10) == []


def test_the_default_plan_ends_with_a_fallback_for_all_labels(reviews: Task) -> None:
    plan = default_plan(reviews, 10)
    assert plan[-1].name == "fallback"
    assert all(item.labels == reviews.label_names for item in plan)
    assert len(default_plan(reviews, 2)) == 2
