from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from labelwright.core.row import Row
from labelwright.core.task import Task
from labelwright.synthesis.asking.direct import Example, direct_request, read_label, read_scores
from labelwright.synthesis.asking.evidence import VotedRows, gather, gather_words
from labelwright.synthesis.asking.program_prompt import ProgramPrompts
from labelwright.synthesis.asking.strategies import STRATEGIES
from labelwright.synthesis.llm.completion import Message
from labelwright.synthesis.rows import Rows

from tests.synthesis.tasks import make_task

GOOD = [f"a great film, number {number}, with fine music" for number in range(6)]
BAD = [f"a dull film, number {number}, with bad music" for number in range(6)]


def material(task: Task, gold_votes: np.ndarray | None = None) -> VotedRows:
    records = [(text,) for text in [*GOOD, *BAD, "<b>not escaped</b> & 'quoted'", *[f"more {n}" for n in range(30)]]]
    gold = [Row((text,), 1, "") for text in GOOD] + [Row((text,), 0, "") for text in BAD]
    none = np.full((len(records), 0), -1, dtype=np.int64)
    return VotedRows(task, records, gold, none, none[:12] if gold_votes is None else gold_votes)


def prompts(shown: VotedRows, seed: int = 0) -> ProgramPrompts:
    return ProgramPrompts(shown, seed=seed, temperature=0.5)


@pytest.mark.parametrize("name", [name for name, strategy in STRATEGIES.items() if not strategy.by_words])
def test_every_prompt_states_the_contract(reviews: Task, name: str) -> None:
    shown = material(reviews)
    strategy = STRATEGIES[name]
    request = prompts(shown).program(strategy, gather(strategy, shown, 0), 0)
    system = request.messages[0].content
    for stated in ("label(text)", '"bad"', '"good"', "None", "docstring", "import", "speaks against"):
        assert stated in system
    assert request.max_tokens <= 400


def test_what_never_changes_stands_first(reviews: Task) -> None:
    shown = material(reviews)
    made = prompts(shown)
    requests = [
        made.program(STRATEGIES[name], gather(STRATEGIES[name], shown, turn), turn, before)
        for turn, (name, before) in enumerate(
            [("plain", ()), ("sample", ()), ("keywords", (Message("user", "q"), Message("assistant", "a")))]
        )
    ]
    assert len({request.messages[0] for request in requests}) == 1
    assert len({request.seed for request in requests}) == 3


def test_records_are_quoted_as_they_are(reviews: Task) -> None:
    shown = material(reviews)
    request = direct_request(reviews, shown.records[12], [])
    assert request.messages[-1].content == "<b>not escaped</b> & 'quoted'"


def test_the_same_arguments_show_the_same_and_another_seed_something_else(reviews: Task) -> None:
    shown = material(reviews)
    for name in ("sample", "similar", "disputed"):
        once, again, other = (gather(STRATEGIES[name], shown, seed).values for seed in (1, 1, 2))
        assert once == again
        assert once != other


def test_the_words_shown_are_the_same_in_every_process() -> None:
    """Else the same run would ask, and pay, for another prompt each time that it is started."""
    source = """
from labelwright.core.task import parse_task
from labelwright.synthesis.asking.evidence import VotedRows, gather
from labelwright.synthesis.asking.strategies import STRATEGIES
task, _ = parse_task('[task]\\nname="t"\\ninstructions="x"\\n[labels]\\na=""\\nb=""\\n[fields]\\ntext="text"')
records = [(" ".join(a + b + c for a in "abcd" for b in "efgh" for c in "ijkl"),)] * 2
print(gather(STRATEGIES["vocabulary"], VotedRows(task, records, [], None, None), 0).values)
"""
    said = {
        subprocess.run(
            [sys.executable, "-c", source],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(said) == 1
    assert "aei" in said.pop()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("軸受から異音。停止、ベアリング交換", {"軸受", "から", "異音", "停止", "ベアリング", "交換"}),
        ("हिन्दी में", {"हिन्दी", "में"}),
        ("très déçue de 李雷", {"très", "déçue"}),
    ],
)
def test_the_words_shown_are_those_of_the_script(reviews: Task, text: str, words: set[str]) -> None:
    none = np.full((2, 0), -1, dtype=np.int64)
    shown = VotedRows(reviews, [(text,), (text,)], [], none, none[:0])
    assert set(gather(STRATEGIES["vocabulary"], shown, 0).values["words"]) == words  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("a fine film", """re.findall(r"[a-z0-9']+", text.lower())"""),
        ("très déçue par le séjour", r"""re.findall(r"[\w']+", text.lower())"""),
        ("軸受から異音", "sum(word in text for word in listed)"),
        ("हिन्दी में शिकायत", "sum(word in text for word in listed)"),
    ],
)
def test_the_prescribed_program_cuts_no_word_of_the_records(reviews: Task, text: str, shape: str) -> None:
    none = np.full((1, 0), -1, dtype=np.int64)
    shown = VotedRows(reviews, [(text,)], [], none, none[:0])
    request = prompts(shown).program(STRATEGIES["plain"], gather(STRATEGIES["plain"], shown, 0), 0)
    assert shape in request.messages[0].content


def test_disputed_shows_gold_rows_that_the_programs_get_wrong(reviews: Task) -> None:
    right = np.array([[1]] * 6 + [[0]] * 6)
    right[3], right[8] = 0, -1
    evidence = gather(STRATEGIES["disputed"], material(reviews, right), 0)
    assert evidence.shown_gold == {3, 8}
    assert {"label": "good", "text": GOOD[3]} in evidence.values["disputed"]  # type: ignore[operator]


def test_missed_records_are_shown_first(reviews: Task) -> None:
    votes = np.array([[1]] * 12)
    votes[4] = -1
    evidence = gather_words(STRATEGIES["words_missed"], material(reviews, votes), 1, 0)
    assert evidence.values["records"][0] == GOOD[4]  # type: ignore[index]


def test_pairs_that_look_alike_have_different_labels(reviews: Task) -> None:
    examples = gather(STRATEGIES["similar"], material(reviews), 0).values["examples"]
    assert isinstance(examples, list)
    assert all(one["label"] != other["label"] for one, other in zip(examples[::2], examples[1::2], strict=True))


def test_numbers_are_described_with_unit_range_and_medians() -> None:
    task = make_task(
        '[labels]\nlow = ""\nhigh = ""\n[fields]\nheat = {type = "number", unit = "°C", description = "at the pump"}\n'
        'scores = "numbers"\nplace = {type = "text", optional = true}\nraw = {type = "bytes", optional = true}'
    )
    records = [(float(n), [0.1, 0.9], "north" if n % 2 else "south", None) for n in range(100)]
    gold = [Row((10.0, [0.0, 0.0], None, None), 0, ""), Row((90.0, [0.0, 0.0], None, None), 1, "")]
    system = (
        ProgramPrompts(Rows(task, records, gold), seed=0, temperature=0.5)
        .program(
            STRATEGIES["plain"],
            gather(STRATEGIES["plain"], VotedRows(task, records, gold, *[np.empty((0, 0), int)] * 2), 0),
            0,
        )
        .messages[0]
        .content
    )
    for stated in (
        "in °C",
        "0 to 99",
        "low 10, high 90",
        "2 numbers",
        "one of: north, south",
        "None where it is missing",
    ):
        assert stated in system


def test_an_empty_run_without_gold_can_be_asked_for(reviews: Task) -> None:
    empty = np.empty((1, 0), dtype=np.int64)
    shown = VotedRows(reviews, [("only one",)], [], empty, empty[:0])
    for name in ("plain", "sample", "vocabulary", "disputed"):
        gather(STRATEGIES[name], shown, 0)


def test_direct_examples_are_turns_and_the_record_comes_last(reviews: Task) -> None:
    request = direct_request(reviews, ("new",), [Example(("old",), 1)])
    assert [message.content for message in request.messages[1:]] == ["old", "good", "new"]


def test_direct_labels_go_by_the_guide_where_there_is_one(reviews: Task) -> None:
    guided, plain = (direct_request(reviews, ("new",), [], guide).messages[0].content for guide in ("Praise wins.", ""))
    assert "The labeling guide:\nPraise wins.\n\nAnswer with the name" in guided
    assert "guide" not in plain
    assert guided.replace("The labeling guide:\nPraise wins.\n\n", "") == plain, "what was paid for stays paid for"


@pytest.mark.parametrize(
    ("answer", "label"),
    [
        ("good", 1),
        ("Good.", 1),
        ('"bad"', 0),
        ("The label is good", 1),
        ("good or bad", -1),
        ("neither", -1),
        ("goodness", -1),
    ],
)
def test_reads_the_label_that_an_answer_names(reviews: Task, answer: str, label: int) -> None:
    assert read_label(reviews, answer) == label


def test_scores_come_from_the_candidates_that_begin_one_label(reviews: Task) -> None:
    from labelwright.synthesis.llm.completion import Finish, Reply, Usage

    alternatives = {"go": -0.1, " GOOD": -3.0, "b": -2.0, "x": -1.0, " ": -1.0}
    bad, good = read_scores(reviews, Reply("good", Finish.STOP, Usage(1, 1), alternatives))
    assert bad == -2.0
    assert good == pytest.approx(np.logaddexp(-0.1, -3.0))
