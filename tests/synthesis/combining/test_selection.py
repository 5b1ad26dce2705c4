from __future__ import annotations

import numpy as np
from labelwright.synthesis.arrays import HIDDEN
from labelwright.synthesis.combining.selection import (
    choose_label_model,
    choose_label_model_by_agreement,
    choose_programs,
    is_collapsed,
    unseen_decisions,
)
from labelwright.synthesis.statistics.label_models import decide, fit_majority, fit_weighted

from tests.synthesis.planted_votes import planted


def test_keeps_what_tells_and_leaves_out_what_does_not():
    truth, votes = planted(0, 2, [0.9, 0.85, 0.5, 0.5], rows=200)
    chosen = [column for column, _ in choose_programs(votes, truth, 2, seed=0)]
    assert chosen[:2] == [0, 1]
    assert 2 not in chosen
    assert 3 not in chosen


def test_a_copy_adds_nothing():
    truth, votes = planted(1, 2, [0.85, 0.8], rows=300)
    with_copy = np.hstack([votes, votes[:, :1]])
    assert 2 not in [column for column, _ in choose_programs(with_copy, truth, 2, seed=0)]


def test_a_program_that_is_always_wrong_is_worth_its_opposite():
    truth, votes = planted(2, 2, [0.05], rows=200, coverage=1.0)
    labels, _ = decide(fit_weighted(votes, truth, 2), votes, 2)
    assert (labels == truth).mean() > 0.9


def test_coverage_counts():
    # A weak program that votes where the strong one is silent is worth having: without it those rows get no label.
    truth, votes = planted(3, 2, [0.95, 0.7], rows=300, coverage=1.0)
    votes[::2, 0] = -1
    votes[1::2, 1] = -1
    assert {column for column, _ in choose_programs(votes, truth, 2, seed=0)} == {0, 1}


def test_what_belongs_together_comes_whole_or_not_at_all():
    truth, votes = planted(8, 2, [0.95, 0.52, 0.5], rows=300)
    chosen = choose_programs(votes, truth, 2, seed=0, units=[(0, 1), (2,)])
    assert [column for column, _ in chosen] == [0, 1]


def test_what_is_kept_counts_before_anything_is_added() -> None:
    truth, votes = planted(2, 2, [0.9, 0.5, 0.8])
    with_copy = np.hstack([votes, votes[:, :1]])
    added = [column for column, _ in choose_programs(with_copy, truth, 2, seed=0, kept=[0, 1])]
    assert added == [2], "the copy adds nothing to what is kept, and what is kept is not chosen again"


def test_no_program_tells_anything():
    truth, votes = planted(4, 2, [0.5], rows=60, coverage=0.05)
    assert choose_programs(votes[:, :0], truth, 2, seed=0) == []


def test_the_best_label_model_on_gold_is_chosen_and_the_rest_told():
    truth, votes = planted(5, 2, [0.95, 0.6, 0.6, 0.6, 0.6], rows=300, coverage=1.0)
    choice = choose_label_model(votes[:150], truth[:150], votes[150:], 2, seed=0)
    assert {candidate.fit.method for candidate in choice.candidates} == {
        "weighted", "dawid_skene", "triplet", "majority",
    }  # fmt: skip
    assert choice.candidates[0].score == max(candidate.score for candidate in choice.candidates)
    labels, _ = decide(choice.fit, votes[150:], 2)
    assert (labels == truth[150:]).mean() > 0.9


def test_without_gold_agreement_decides():
    truth, votes = planted(6, 3, [0.85, 0.8, 0.75, 0.7], rows=500)
    choice = choose_label_model_by_agreement(votes, 3)
    labels, _ = decide(choice.fit, votes, 3)
    covered = labels >= 0
    assert (labels == truth)[covered].mean() > 0.8


def test_a_model_that_gives_one_label_only_is_collapsed():
    _, votes = planted(7, 2, [0.8, 0.7, 0.7], rows=400)
    assert not is_collapsed(fit_majority(), votes, 2, reference=0.5)
    skewed = fit_weighted(votes, np.zeros(400, dtype=np.int64), 2)
    assert is_collapsed(skewed, votes, 2, reference=0.5)


def test_unseen_decisions_know_nothing_of_their_row():
    # Labels drawn by lot: whoever saw the row could look good, whoever did not cannot.
    generator = np.random.default_rng(0)
    truth = generator.integers(2, size=400)
    votes = generator.integers(2, size=(400, 5))
    assert abs((unseen_decisions(votes, truth, 2, seed=0) == truth).mean() - 0.5) < 0.08


def test_a_program_gains_nothing_by_rows_that_stood_in_its_prompt():
    truth, votes = planted(9, 2, [0.9, 0.5], rows=200, coverage=1.0)
    shown = np.arange(200) < 60
    knows_by_heart = votes.copy()
    knows_by_heart[shown, 1] = truth[shown]
    assert 1 in [column for column, _ in choose_programs(knows_by_heart, truth, 2, seed=0)]
    knows_by_heart[shown, 1] = HIDDEN
    assert 1 not in [column for column, _ in choose_programs(knows_by_heart, truth, 2, seed=0)]


def test_rows_hidden_from_a_program_do_not_count_as_its_silence():
    truth, votes = planted(10, 2, [0.9], rows=400, coverage=1.0)
    before = fit_weighted(votes[200:], truth[200:], 2).likelihood
    votes[:200, 0] = HIDDEN
    after = fit_weighted(votes, truth, 2).likelihood
    assert before is not None
    assert after is not None
    assert np.abs(before - after).max() < 1e-9


def test_a_program_that_has_seen_all_rows_is_not_chosen():
    truth, votes = planted(11, 2, [0.9, 0.9], rows=100)
    votes[:, 1] = HIDDEN
    assert [column for column, _ in choose_programs(votes, truth, 2, seed=0)] == [0]
