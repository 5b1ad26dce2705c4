from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from labelwright.core.bundle import Program
from labelwright.core.row import Row
from labelwright.core.task import Task
from labelwright.sandbox import Sandbox
from labelwright.sandbox.static_checks import check_program
from labelwright.synthesis.combining.ensemble import Ingredients, build_ensemble
from labelwright.synthesis.learning.bands import band_votes
from labelwright.synthesis.learning.head import Head, HeadRows, fit_head, numbers_of
from labelwright.synthesis.learning.sources import HEAD_NAMES, head_programs
from labelwright.synthesis.rows import Rows
from labelwright.synthesis.statistics.label_models import decide
from labelwright.synthesis.writing.voting import cast_votes

from tests.synthesis.tasks import make_task

LABELS = "[labels]\nlow = 'x'\nhigh = 'y'\n[fields]\n"
SIZE = 6


def meanings(count: int, seed: int, unit: float = 1.0, size: int = SIZE) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of which the first two tell the label, not without error."""
    generator = np.random.default_rng(seed)
    truth = generator.integers(2, size=count)
    numbers = generator.normal(size=(count, size))
    numbers[:, 0] += 2 * truth - 1
    numbers[:, 1] -= 2 * truth - 1
    return unit * numbers, truth


def beliefs(truth: np.ndarray, wrong: float, seed: int = 5) -> np.ndarray:
    flipped = np.random.default_rng(seed).random(len(truth)) < wrong
    return np.log(np.where(np.eye(2)[truth ^ flipped] > 0, 0.9, 0.1))


def head_rows(gold_rows: int = 30, unit: float = 1.0, trust: float = 0.0, size: int = SIZE) -> HeadRows:
    gold, labels = meanings(gold_rows, 0, unit, size)
    others, truth = meanings(300, 1, unit, size)
    return HeadRows(gold, labels, others, beliefs(labels, 0.05), beliefs(truth, 0.05), trust)


@pytest.fixture(scope="module")
def head() -> Head:
    found = fit_head(head_rows(), 2, seed=0)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def task() -> Task:
    return make_task(LABELS + 'meaning = "numbers"')


def accuracy(head: Head, unit: float = 1.0, size: int = SIZE) -> float:
    numbers, truth = meanings(1000, 9, unit, size)
    return float((head.scores(numbers).argmax(axis=1) == truth).mean())


def test_learns_from_gold_rows_alone(head: Head) -> None:
    assert accuracy(head) > 0.85
    assert abs(head.accuracy - accuracy(head)) < 0.12


def test_what_the_llm_labeled_teaches_more() -> None:
    few = fit_head(head_rows(gold_rows=20, size=40), 2, seed=0)
    more = fit_head(head_rows(gold_rows=20, size=40, trust=0.9), 2, seed=0)
    assert few is not None
    assert more is not None
    assert accuracy(more, size=40) > accuracy(few, size=40) + 0.05


@pytest.mark.parametrize("unit", [1e-3, 1e4])
def test_units_do_not_matter(head: Head, unit: float) -> None:
    other = fit_head(head_rows(unit=unit), 2, seed=0)
    assert other is not None
    assert accuracy(other, unit) == pytest.approx(accuracy(head), abs=0.02)


def test_programs_say_in_the_sandbox_what_the_head_says(sandbox: Sandbox, task: Task, head: Head) -> None:
    programs = head_programs(task, head, gold_rows=30, labeled_rows=0)
    numbers, _ = meanings(200, 3)
    votes = cast_votes(sandbox, task, programs, [(row,) for row in numbers.tolist()])
    assert votes.tolist() == band_votes(head.scores(numbers), head.clear).tolist()
    assert (votes >= 0).any(axis=0).all()


def test_another_count_of_numbers_is_an_abstention(sandbox: Sandbox, task: Task, head: Head) -> None:
    programs = head_programs(task, head, gold_rows=30, labeled_rows=3)
    assert cast_votes(sandbox, task, programs, [([],), ([1.0] * 5,), ([1.0] * 7,)]).max() == -1


def test_programs_pass_the_static_checks(task: Task, head: Head) -> None:
    for program in head_programs(task, head, gold_rows=30, labeled_rows=3):
        assert check_program(task, program) == []


def test_numbers_that_cannot_be_weighed(task: Task) -> None:
    assert numbers_of(task, []) is None
    assert numbers_of(task, [([1.0],), ([1.0, 2.0],)]) is None
    assert numbers_of(task, [([],), ([],)]) is None
    assert numbers_of(make_task(LABELS + 'text = "text"'), [("a",)]) is None
    assert numbers_of(make_task(LABELS + 'spectrum = { type = "numbers", optional = true }'), [([1.0],)]) is None
    one_label = replace(head_rows(), gold_labels=np.zeros(30, dtype=np.int64))
    assert fit_head(one_label, 2, seed=0) is None


def test_an_ensemble_is_served_by_its_head(sandbox: Sandbox, task: Task) -> None:
    gold_numbers, gold = meanings(60, 0)
    numbers, _ = meanings(200, 1)
    rows = [Row((row,), int(label), "") for row, label in zip(gold_numbers.tolist(), gold, strict=True)]
    none, none_gold = (np.full((count, 2), np.nan) for count in (200, 60))
    earlier = Program("head_clear", "def label(meaning):\n    return 'low'\n")
    everything = Rows(task, [(row,) for row in numbers.tolist()], rows)
    ensemble = build_ensemble(sandbox, Ingredients(everything, [earlier], none, none_gold), seed=0)
    assert {program.name for program in ensemble.programs} == HEAD_NAMES
    assert earlier not in ensemble.programs
    fresh, truth = meanings(300, 2)
    votes = cast_votes(sandbox, task, ensemble.programs, [(row,) for row in fresh.tolist()])
    given, _ = decide(ensemble.choice.fit, votes, 2)
    assert (given == truth).mean() > 0.8
