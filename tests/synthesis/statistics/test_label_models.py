from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from labelwright.core.label_model import parse_label_model
from labelwright.synthesis.arrays import Votes
from labelwright.synthesis.statistics.label_models import (
    Fit,
    decide,
    fit_dawid_skene,
    fit_majority,
    fit_triplet,
    fit_weighted,
    posteriors,
)

from tests.synthesis.planted_votes import planted

METHODS = ("weighted", "dawid_skene", "triplet", "majority")


def fitted(method: str, votes: Votes, gold: np.ndarray, labels: int) -> Fit:
    match method:
        case "weighted":
            return fit_weighted(votes, gold, labels)
        case "dawid_skene":
            return fit_dawid_skene(votes, labels)
        case "triplet":
            return fit_triplet(votes, labels)
        case _:
            return fit_majority()


@st.composite
def matrices(draw):
    labels = draw(st.integers(2, 5))
    shape = (draw(st.integers(1, 30)), draw(st.integers(1, 6)))
    votes = draw(arrays(np.int64, shape, elements=st.integers(-3, labels - 1)))
    gold = draw(arrays(np.int64, shape[0], elements=st.integers(0, labels - 1)))
    return labels, votes, gold


@given(matrices(), st.sampled_from(METHODS))
@settings(max_examples=150)
def test_any_votes_give_a_model_that_serves_the_same_numbers(matrix, method):
    labels, votes, gold = matrix
    fit = fitted(method, votes, gold, labels)
    names, programs = [f"label {i}" for i in range(labels)], {f"p{i}": "" for i in range(votes.shape[1])}
    served, findings = parse_label_model(fit.dump(names, programs), names, programs)
    assert served is not None, findings
    given_labels, probabilities = decide(fit, votes, labels)
    online = [served.decide(tuple(row)) for row in votes.tolist()]
    assert [decision.label for decision in online] == given_labels.tolist()
    assert [decision.probability for decision in online] == probabilities.tolist()
    if fit.likelihood is not None:
        voted = (votes >= 0).any(axis=1)
        expected = posteriors(fit, votes)[voted]
        np.testing.assert_allclose(expected.max(axis=1), probabilities[voted], rtol=1e-9)
        assert (given_labels[~voted] == -1).all()


@pytest.mark.parametrize("labels", [2, 4])
@pytest.mark.parametrize("method", ["dawid_skene", "triplet"])
def test_finds_how_good_each_program_is_without_gold(method, labels):
    accuracies = [0.9, 0.8, 0.7, 0.6, 0.85]
    truth, votes = planted(0, labels, accuracies, rows=4000)
    fit = fitted(method, votes, truth, labels)
    assert fit.likelihood is not None
    found = [np.diag(table).mean() / table.sum(axis=0).mean() for table in fit.likelihood]
    np.testing.assert_allclose(found, accuracies, atol=0.06)


@pytest.mark.parametrize("method", ["weighted", "dawid_skene", "triplet"])
def test_beats_majority_vote_where_one_program_is_much_better(method):
    truth, votes = planted(1, 2, [0.95, 0.6, 0.6, 0.58, 0.55], rows=2000)
    majority = decide(fit_majority(), votes, 2)[0]
    labels = decide(fitted(method, votes, truth, 2), votes, 2)[0]
    assert (labels == truth).mean() > (majority == truth).mean() + 0.05


def test_a_program_that_knows_one_label_counts():
    truth = np.repeat([0, 1], 200)
    votes = np.full((400, 1), -1)
    votes[200:380, 0] = 1
    votes[:10, 0] = 1
    fit = fit_weighted(votes, truth, 2)
    label, probability = decide(fit, np.array([[1]]), 2)
    assert label.tolist() == [1]
    assert probability[0] > 0.85


def test_few_gold_rows_do_not_turn_a_vote_around():
    # Three rows of the second label, all of them missed, must not teach that a vote for the first means the second.
    votes = np.array([[0], [0], [1], [1], [0], [1], [0]])
    gold = np.array([0, 0, 1, 1, 2, 2, 2])
    labels, _ = decide(fit_weighted(votes, gold, 3), np.array([[0], [1]]), 3)
    assert labels.tolist() == [0, 1]


def test_errors_are_missing_votes():
    truth, votes = planted(2, 3, [0.9, 0.8, 0.7])
    broken = np.where(votes < 0, -4, votes)
    for method in METHODS:
        one, other = fitted(method, votes, truth, 3), fitted(method, broken, truth, 3)
        assert decide(one, votes, 3)[0].tolist() == decide(other, broken, 3)[0].tolist()


def test_no_votes_at_all():
    votes = np.full((5, 2), -1)
    for method in METHODS:
        assert decide(fitted(method, votes, np.array([0, 1, 0, 1, 0]), 2), votes, 2)[0].tolist() == [-1] * 5


def test_the_file_names_the_method():
    _, votes = planted(3, 2, [0.9, 0.8, 0.7])
    text = fit_dawid_skene(votes, 2).dump(["no", "yes"], dict.fromkeys("abc", ""))
    assert json.loads(text)["method"] == "dawid_skene"
