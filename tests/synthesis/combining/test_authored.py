"""The choice among a capable model's programs, and what their votes are worth, on votes made to be told apart."""

from __future__ import annotations

import numpy as np
import pytest
from labelwright.synthesis.arrays import Floats
from labelwright.synthesis.combining.authored import (
    COUNTED,
    HURTS,
    SHRUNK,
    WORSE_THAN_CHANCE,
    even_fit,
    fit_authored,
    unfit_programs,
)
from labelwright.synthesis.combining.authored import EVEN as EVEN_VOTES
from labelwright.synthesis.statistics.label_models import decide, posteriors

from tests.synthesis.planted_votes import planted

EVEN = np.full(3, 1 / 3)


def test_programs_worse_than_chance_do_not_serve() -> None:
    truth, votes = planted(0, 3, [0.8, 0.7, 0.1, 0.75], rows=200)
    assert unfit_programs(votes, truth, EVEN) == {2: WORSE_THAN_CHANCE}


def test_a_program_that_drags_the_others_down_does_not_serve() -> None:
    truth, votes = planted(0, 3, [0.95, 0.95, 0.42, 0.95], coverage=1.0, rows=200)
    votes = np.hstack([votes, votes[:, 2:3], votes[:, 2:3]])
    assert set(unfit_programs(votes, truth, EVEN).values()) == {HURTS}


def test_programs_of_people_serve_in_any_case() -> None:
    truth, votes = planted(0, 3, [0.95, 0.95, 0.42, 0.95, 0.1], coverage=1.0, rows=200)
    votes = np.hstack([votes, votes[:, 2:3], votes[:, 2:3]])
    dropped = set(unfit_programs(votes, truth, EVEN))
    assert 4 in dropped
    assert dropped & {2, 5, 6}
    assert unfit_programs(votes, truth, EVEN, kept=dropped) == {}


@pytest.mark.parametrize("rows", [0, 4, 30])
def test_nothing_is_dropped_that_few_rows_cannot_show(rows: int) -> None:
    truth, votes = planted(0, 3, [0.8, 0.55, 0.6], rows=rows)
    assert unfit_programs(votes, truth, EVEN) == {}


def test_votes_count_alike_and_the_prior_decides_ties_alone() -> None:
    prior: Floats = np.array([0.01, 0.09, 0.9])
    fit = even_fit(5, prior, 0.6)
    votes = np.array([[0, 0, 2, -1, -1], [0, 2, -1, -1, -1], [0, -1, -1, -1, -1], [-1, -1, -1, -1, -1]])
    assert decide(fit, votes, 3)[0].tolist() == [0, 2, 0, -1]


@pytest.mark.parametrize("accuracies", [[0.8] * 4, [0.7, 0.75, 0.8, 0.85, 0.7]])
def test_probabilities_are_those_with_which_labels_are_right(accuracies: list[float]) -> None:
    truth, votes = planted(0, 3, accuracies, rows=400)
    more_truth, more_votes = planted(1, 3, accuracies, rows=4000)
    fit, _ = fit_authored(votes, truth, EVEN, seed=0)[0]
    labels, probabilities = decide(fit, more_votes, 3)
    voted = labels >= 0
    gap = abs(float(probabilities[voted].mean()) - float((labels == more_truth)[voted].mean()))
    assert gap < 0.03
    assert probabilities.max() < 1.0


def test_weights_are_taken_where_rows_show_that_they_are_better() -> None:
    truth, votes = planted(0, 3, [0.97, 0.5, 0.5, 0.5], coverage=1.0)
    best, second = fit_authored(votes, truth, EVEN, seed=0)
    assert (best[0].method, second[0].method) == ("shrunk", "even")
    assert best[1] > second[1]
    truth, votes = planted(0, 3, [0.8] * 4, rows=200)
    assert fit_authored(votes, truth, EVEN, seed=0)[0][0].method == "even"


def test_a_third_way_of_weighing_has_to_beat_the_first_too() -> None:
    truth, votes = planted(0, 2, [0.6] * 3, coverage=1.0)
    methods = (EVEN_VOTES, SHRUNK, COUNTED)
    assert fit_authored(votes, truth, EVEN[:2], seed=0, methods=methods)[0][0].method == EVEN_VOTES
    # Each is sure of label 1 and says 0 without knowing: only counting for each label tells the two apart.
    knows = np.random.default_rng(0).random(votes.shape) < 0.5
    votes = np.where(knows & (truth[:, None] == 1), 1, 0)
    best = fit_authored(votes, truth, EVEN[:2], seed=0, methods=methods)
    assert best[0][0].method == COUNTED
    assert [score for _, score in best] == sorted((score for _, score in best), reverse=True)


def test_without_measured_rows_there_are_probabilities_too() -> None:
    truth, votes = planted(0, 3, [0.8] * 4, rows=0)
    ((fit, accuracy),) = fit_authored(votes, truth, EVEN, seed=0)
    assert np.isnan(accuracy)
    assert 0.5 < posteriors(fit, np.array([[0, 0, -1, -1]])).max() < 1.0
