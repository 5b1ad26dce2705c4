from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labelwright.core.bundle import MAX_PROGRAM_BYTES, Program
from labelwright.sandbox.static_checks import check_program
from labelwright.synthesis.learning.sources import student_programs
from labelwright.synthesis.learning.student import fit_student
from labelwright.synthesis.learning.student_rows import StudentRows
from labelwright.synthesis.statistics.folds import stratified_folds
from labelwright.synthesis.writing.voting import cast_votes

from tests.synthesis.made_up import direct_labels, japanese_notes
from tests.synthesis.made_up import reviews as made_up_reviews
from tests.synthesis.tasks import make_task


def student_rows(gold_rows=40, records=400, seed=0, direct=None, made_up=made_up_reviews):
    gold_texts, gold = made_up(gold_rows, seed)
    texts, truth = made_up(records, seed + 100)
    return StudentRows(
        gold_texts=gold_texts,
        gold_labels=gold,
        unlabeled_texts=texts,
        gold_beliefs=direct_labels(gold if direct else np.full(gold_rows, -1)).beliefs,
        unlabeled_beliefs=direct_labels(np.where(np.arange(records) < (direct or 0), truth, -1)).beliefs,
        gold_votes=np.empty((gold_rows, 0), dtype=np.int64),
        unlabeled_votes=np.empty((records, 0), dtype=np.int64),
    )


@pytest.fixture(scope="module")
def student():
    found = fit_student(student_rows(), 2, seed=0)
    assert found is not None
    return found


def as_function(program: Program):
    names: dict[str, Any] = {}
    exec(program.source, names)
    return names["label"]


def accuracy(student, seed=7, made_up=made_up_reviews):
    texts, truth = made_up(500, seed)
    return float((student.votes(texts).max(axis=1) == truth).mean())


def test_unlabeled_records_teach_words_that_gold_lacks(student):
    few = student_rows(gold_rows=10)
    alone = fit_student(
        replace(
            few, unlabeled_texts=few.gold_texts, unlabeled_beliefs=few.gold_beliefs, unlabeled_votes=few.gold_votes
        ),
        2,
        seed=0,
    )
    assert accuracy(fit_student(few, 2, seed=0)) > accuracy(alone) + 0.05


def test_learns_from_texts_without_spaces():
    student = fit_student(student_rows(gold_rows=80, made_up=japanese_notes), 2, seed=0)
    assert accuracy(student, made_up=japanese_notes) > 0.75, "half of them have the commonest label"


def test_programs_say_in_the_sandbox_what_the_student_says_of_any_script(sandbox, reviews):
    student = fit_student(student_rows(made_up=japanese_notes), 2, seed=0)
    assert student is not None
    programs = student_programs(reviews, student, gold_rows=40, unlabeled_rows=400)
    assert [check_program(reviews, program) for program in programs] == [[], []]
    texts = [*japanese_notes(100, 3)[0], "\uff14\uff15の軸受ｶﾞﾀ", "हिन्दी में", "เสียงดังมาก", "", "軸受の摩耗" * 400]
    votes = cast_votes(sandbox, reviews, programs, [(text,) for text in texts])
    assert votes.tolist() == student.votes(texts).tolist()


def test_good_direct_labels_help():
    few = student_rows(gold_rows=12, records=150)
    helped = student_rows(gold_rows=12, records=150, direct=150)
    assert accuracy(fit_student(helped, 2, seed=0)) >= accuracy(fit_student(few, 2, seed=0))


def test_random_direct_labels_do_no_harm():
    plain = student_rows(gold_rows=60)
    generator = np.random.default_rng(5)
    noisy = replace(
        plain,
        gold_beliefs=direct_labels(generator.integers(2, size=60)).beliefs,
        unlabeled_beliefs=direct_labels(generator.integers(2, size=400)).beliefs,
    )
    assert accuracy(fit_student(noisy, 2, seed=0)) > accuracy(fit_student(plain, 2, seed=0)) - 0.03


def test_direct_labels_no_better_than_the_commonest_label_are_not_used():
    plain = student_rows()
    gold, unlabeled = (direct_labels(np.zeros(count, dtype=int)).beliefs for count in (40, 400))
    useless = replace(plain, gold_beliefs=gold, unlabeled_beliefs=unlabeled)
    with_useless, without = fit_student(useless, 2, seed=0), fit_student(plain, 2, seed=0)
    assert with_useless is not None
    assert without is not None
    assert with_useless.words == without.words
    assert (with_useless.points == without.points).all()


def test_the_same_seed_gives_the_same_programs(reviews, student):
    again = fit_student(student_rows(), 2, seed=0)
    assert again is not None
    assert student_programs(reviews, again, gold_rows=1, unlabeled_rows=1) == student_programs(
        reviews, student, gold_rows=1, unlabeled_rows=1
    )


def test_programs_say_in_the_sandbox_what_the_student_says(sandbox, reviews, student):
    programs = student_programs(reviews, student, gold_rows=40, unlabeled_rows=400)
    texts = [*made_up_reviews(200, 3)[0], "", "zzz", "Great!!! awful \u2019 <short>", "\u0130 \U0001f600 \u00a3"]
    votes = cast_votes(sandbox, reviews, programs, [(text,) for text in texts])
    assert votes.tolist() == student.votes(texts).tolist()
    assert (votes >= 0).sum(axis=1).max() == 1, "a record is clear or close, never both"


@given(st.lists(st.sampled_from(["great", "awful", "film", "was", "7", "http://a.example", "!", "xyz"]), max_size=12))
@settings(max_examples=100)
def test_programs_are_the_student(student, words):
    task = make_task('[labels]\nbad = ""\ngood = ""\n[fields]\ntext = "text"')
    text = " ".join(words)
    said = [as_function(program)(text) for program in student_programs(task, student, gold_rows=1, unlabeled_rows=1)]
    assert said == [None if vote < 0 else task.label_names[vote] for vote in student.votes([text])[0]]


def test_programs_pass_the_static_checks(reviews, student):
    for program in student_programs(reviews, student, gold_rows=40, unlabeled_rows=400):
        assert check_program(reviews, program) == []


def test_label_names_and_fields_of_any_kind(student):
    task = make_task(
        '[labels]\n\'a "\\ """ {{ b }}\' = ""\n"c\'d" = ""\n'
        '[fields]\ntitle = "text"\nsize = "number"\nbody = { type = "text", optional = true }'
    )
    for program in student_programs(task, student, gold_rows=1, unlabeled_rows=1):
        assert check_program(task, program) == []
        said = as_function(program)("great superb film", None)
        assert said is None or said in task.label_names


def test_the_docstring_names_the_words_that_tell(reviews, student):
    clear, _ = student_programs(reviews, student, gold_rows=40, unlabeled_rows=400)
    line = next(line for line in clear.source.splitlines() if line.startswith("Speaks most for good"))
    assert "great" in line


def test_nothing_to_learn_from():
    one_label = student_rows()
    assert fit_student(replace(one_label, gold_labels=np.zeros(40, dtype=np.int64)), 2, seed=0) is None
    empty = replace(one_label, gold_texts=[""] * 40, unlabeled_texts=[""] * 400)
    student = fit_student(empty, 2, seed=0)
    assert student is None or accuracy(student) < 0.6


@given(st.lists(st.integers(0, 3), min_size=1, max_size=60), st.integers(0, 5))
def test_folds_spread_each_label_evenly(labels, seed):
    array = np.array(labels)
    folds = stratified_folds(array, 5, seed)
    for label in set(labels):
        sizes = np.bincount(folds[array == label], minlength=5)
        assert sizes.max() - sizes.min() <= 1


def test_many_labels_stay_within_the_size_of_a_program():
    labels = 100
    texts, _ = made_up_reviews(200, 0)
    texts = [f"{text} topic{chr(97 + number % 26)}{chr(97 + number // 26 % 12)}" for number, text in enumerate(texts)]
    gold = np.arange(200) % labels
    none = direct_labels(np.full(200, -1), label_count=labels).beliefs
    no_votes = np.empty((200, 0), dtype=np.int64)
    student = fit_student(
        StudentRows(texts, gold, texts[:20], none, none[:20], no_votes, no_votes[:20]), labels, seed=0
    )
    assert student is not None
    task = make_task("[labels]\n" + "".join(f'label{n} = ""\n' for n in range(labels)) + '[fields]\ntext = "text"')
    for program in student_programs(task, student, gold_rows=1, unlabeled_rows=1):
        assert len(program.source.encode()) < MAX_PROGRAM_BYTES
        assert check_program(task, program) == []
