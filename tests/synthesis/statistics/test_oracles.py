"""Our label models beside those that others wrote: oracles/record.py says how their answers were got."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from labelwright.synthesis.statistics.label_models import (
    Fit,
    decide,
    fit_dawid_skene,
    fit_majority,
    fit_triplet,
    posteriors,
)

CASES = json.loads(Path(__file__).with_name("oracles").joinpath("says.json").read_text())


@pytest.fixture(params=range(len(CASES)), ids=lambda index: f"{CASES[index]['labels']}-labels-{index}")
def case(request):
    return CASES[request.param]


def votes_of(case):
    return np.array(case["votes"])


def answered(rows):
    return [index for index, row in enumerate(rows) if row is not None]


def test_dawid_skene_equals_crowdkit(case):
    votes, theirs = votes_of(case), case["crowdkit"]["dawid_skene"]
    rows = answered(theirs)
    fit = fit_dawid_skene(votes, case["labels"], smoothing=0.0, rounds=299, tolerance=0.0)
    assert rows == np.flatnonzero((votes >= 0).any(axis=1)).tolist()
    np.testing.assert_allclose(posteriors(fit, votes[rows]), [theirs[row] for row in rows], atol=1e-4)


def test_majority_vote_equals_crowdkit(case):
    votes, theirs = votes_of(case), case["crowdkit"]["majority_shares"]
    labels, probabilities = decide(fit_majority(), votes, case["labels"])
    for row in answered(theirs):
        shares = np.array(theirs[row])
        if (shares == shares.max()).sum() == 1:
            assert labels[row] == shares.argmax()
            assert probabilities[row] == pytest.approx(shares.max())
        else:
            assert labels[row] == -1


def test_the_form_that_is_served_equals_snorkels(case):
    """What snorkel learned, put into our form, gives snorkel's posteriors."""
    votes, theirs = votes_of(case), case["snorkel"]
    voted = (votes >= 0).any(axis=1)
    fit = Fit("snorkel", np.array(theirs["prior"]), np.clip(theirs["likelihood"], 1e-9, 1))
    np.testing.assert_allclose(posteriors(fit, votes[voted]), np.array(theirs["posteriors"])[voted], atol=1e-5)


@pytest.fixture(params=[index for index, case in enumerate(CASES) if "flyingsquid" in case])
def two_labels(request):
    """FlyingSquid knows no more."""
    return CASES[request.param]


def test_triplet_equals_flyingsquid(two_labels):
    likelihood = fit_triplet(np.array(two_labels["full_votes"]), 2).likelihood
    assert likelihood is not None
    np.testing.assert_allclose([table[0, 0] for table in likelihood], two_labels["flyingsquid_full"], atol=1e-6)


def test_triplet_agrees_with_flyingsquid_on_abstentions(two_labels):
    """We count the rows on which both vote, it counts all rows: the same in expectation, not in a sample."""
    votes = votes_of(two_labels)
    likelihood = fit_triplet(votes, 2).likelihood
    assert likelihood is not None
    right = [table[0, 0] for table in likelihood] * (votes >= 0).mean(axis=0)
    np.testing.assert_allclose(right, two_labels["flyingsquid"], atol=0.04)
