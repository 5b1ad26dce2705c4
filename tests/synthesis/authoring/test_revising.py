"""Rounds of revising: what the model sees of its programs, and what of its answers counts."""

from __future__ import annotations

import pytest
from labelwright.core.bundle import Program
from labelwright.core.task import Task
from labelwright.sandbox import Sandbox
from labelwright.synthesis.authoring.author import Authored, Present
from labelwright.synthesis.llm.ledger import Budget
from labelwright.synthesis.llm.replies import Replies

from tests.synthesis.authoring.conversations import GOLD, Model, asked, program, run, source_of

WIDER = """Looks fine but for one word.
<<<<<<< SEARCH
    if "great" in text:
=======
    if "great" in text or "fine" in text:
>>>>>>> REPLACE
"""


def sources(made: Authored) -> dict[str, str]:
    return {item.program.name: item.program.source for item in made.synthesis.kept}


def test_a_program_is_shown_its_errors_and_what_decided_them(reviews: Task, sandbox: Sandbox) -> None:
    # It takes "fine" for bad, which no other program does.
    weak = program("slow", "fine")
    made, endpoint = run(reviews, sandbox, Model(weak=[weak]), rounds=1)
    (body,) = asked(endpoint, 'Your program "p02_weak"')
    system, question = (message["content"] for message in body["messages"])
    assert "The labeling guide:" in system
    assert "Labeled rows:" not in system, "a short brief: each program brings rows of its own"
    assert source_of(weak).strip() in question
    assert '"good" 0 of' in question
    assert 'said "bad", right is "good" (people), the others said good 1; line 6: return "bad": a fine one' in question
    assert '"fine" (rows' not in question, "only words of tables are counted"
    held = {GOLD[index].record[0] for index, label in enumerate(made.lessons.gold.labels) if label >= 0}
    assert held
    assert not [text for text in held if f": {text!s}\n" in question], "held rows stand in no prompt"


def test_edits_that_hold_on_unseen_rows_are_made(reviews: Task, sandbox: Sandbox) -> None:
    notes: list[str] = []
    made, _ = run(reviews, sandbox, Model(p01_strong=[WIDER]), rounds=1, notes=notes)
    assert 'or "fine" in text' in sources(made)["p01_strong"]
    (kept,) = [item for item in made.synthesis.kept if item.program.name == "p01_strong"]
    assert kept.attempt.changes == ("revised in round 1",)
    assert [exchange.purpose for exchange in kept.attempt.exchanges] == ["program", "revise"]
    assert "round 1: 1 mended, 0 dropped, 0 refused, 0 added of 3 programs" in notes[-1]


@pytest.mark.parametrize(
    "answer",
    [
        WIDER.replace('"great" in text or "fine" in text', '"dull" in text'),
        program("dull", "great"),
        "DROP",
    ],
    ids=["edit", "whole", "drop"],
)
def test_what_makes_the_set_worse_on_unseen_rows_is_refused(reviews: Task, sandbox: Sandbox, answer: str) -> None:
    # The two others are of no help with "great" and "dull".
    guess = program("fine", "slow")
    notes: list[str] = []
    made, _ = run(reviews, sandbox, Model(guess=[guess], p01_strong=[answer]), rounds=1, notes=notes)
    assert sources(made)["p01_strong"] == source_of(program("great", "dull"))
    assert "1 refused" in notes[-1]


def test_a_program_that_adds_nothing_is_dropped_on_request(reviews: Task, sandbox: Sandbox) -> None:
    wrong = program("slow", "fine")
    made, _ = run(reviews, sandbox, Model(weak=[wrong], p02_weak=["DROP: it is wrong"]), rounds=1)
    assert list(sources(made)) == ["p01_strong", "p03_guess"]


@pytest.mark.parametrize(
    ("first", "why"),
    [
        (WIDER.replace('"great" in text:\n=', '"grand" in text:\n='), "edit 1 matches no lines of the program"),
        ("```python\ndef label(text:\n```", "not valid Python"),
        ("```python\ndef label(text):\n    return 1 / 0\n```", "it fails on 100% of the records"),
        ("Ich habe nichts zu sagen.", "the reply holds no Python code"),
    ],
    ids=["edit", "syntax", "error", "words"],
)
def test_what_cannot_be_used_is_said_and_asked_for_once_more(
    reviews: Task, sandbox: Sandbox, first: str, why: str
) -> None:
    made, endpoint = run(reviews, sandbox, Model(p01_strong=[first], again=[WIDER]), rounds=1)
    (again,) = [body for body in endpoint.requests if "Answer once more" in body["messages"][-1]["content"]]
    assert why in again["messages"][-1]["content"]
    if "SEARCH" in first or "Python" in why:
        assert 'or "fine" in text' in sources(made)["p01_strong"]
    made, endpoint = run(reviews, sandbox, Model(p01_strong=[first], again=[first]), rounds=1)
    assert sources(made)["p01_strong"] == source_of(program("great", "dull")), "left as it was, and not asked again"


def test_an_empty_answer_leaves_its_program_and_the_others_as_they_are(reviews: Task, sandbox: Sandbox) -> None:
    notes: list[str] = []
    made, _ = run(reviews, sandbox, Model(p01_strong=[""] * 9), rounds=1, notes=notes)
    assert len(made.synthesis.kept) == 3
    assert "1 unanswered" in notes[-1]


def test_one_more_program_is_asked_for_where_only_the_fallback_answers(reviews: Task, sandbox: Sandbox) -> None:
    plain = program("plain", "nothing")
    made, endpoint = run(reviews, sandbox, Model(add=[plain]), rounds=1)
    (body,) = asked(endpoint, "The set of programs so far")
    assert "- strong: strong words" in body["messages"][-1]["content"]
    assert 'right is "bad" (you), the programs said bad 1: plain thing' in body["messages"][-1]["content"]
    assert "p_added_1" not in sources(made), "it takes plain for good, as the judge does not"
    made, _ = run(reviews, sandbox, Model(add=[program("nothing", "plain")]), rounds=1)
    assert "p_added_1" in sources(made)


def test_present_programs_are_revised_by_a_wish_and_a_persons_are_left_alone(reviews: Task, sandbox: Sandbox) -> None:
    mine = Program("mine", source_of(program("great", "slow")))
    theirs = Program("theirs", source_of(program("great", "dull")))
    present = Present([mine, theirs], frozenset(("mine",)), frozenset((0, 1)))
    notes: list[str] = []
    made, endpoint = run(
        reviews,
        sandbox,
        Model(theirs=[WIDER]),
        guide="Praise is good.",
        present=present,
        wish="It takes fine for nothing.",
        notes=notes,
    )
    assert not asked(endpoint, "First write") + asked(endpoint, "Plan ")
    (body,) = asked(endpoint, "Your program")
    assert "Those who own the records say: It takes fine for nothing." in body["messages"][-1]["content"]
    assert sources(made)["mine"] == mine.source
    assert 'or "fine" in text' in sources(made)["theirs"]
    assert notes[0] == "2 programs to begin from"
    assert (made.lessons.gold.labels[[0, 1]] < 0).all(), "what their author saw measures nothing"


def test_a_round_beyond_the_budget_keeps_what_is_there(reviews: Task, sandbox: Sandbox) -> None:
    _, endpoint = run(reviews, sandbox, Model())
    used = sum(len(str(body)) for body in endpoint.requests) // 3
    made, _ = run(reviews, sandbox, Model(), rounds=1, budget=Budget(tokens=used + 60_000))
    assert len(made.synthesis.kept) == 3


def test_a_round_is_not_paid_for_twice(reviews: Task, sandbox: Sandbox, tmp_path) -> None:
    file = tmp_path / "replies.jsonl"
    first, _ = run(reviews, sandbox, Model(p01_strong=[WIDER]), rounds=2, replies=Replies(file, model="m"))
    second, endpoint = run(reviews, sandbox, Model(), rounds=2, replies=Replies(file, model="m"))
    assert endpoint.requests == []
    assert sources(first) == sources(second)
