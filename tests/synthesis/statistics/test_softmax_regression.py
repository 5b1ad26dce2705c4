from __future__ import annotations

import numpy as np
import pytest
from labelwright.synthesis.statistics.label_models import softmax
from labelwright.synthesis.statistics.softmax_regression import fit_softmax_regression
from sklearn.linear_model import LogisticRegression


def rows(labels: int, seed: int = 0, count: int = 200, features: int = 5) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(count, features))
    y = (x[:, :labels] + generator.normal(size=(count, labels))).argmax(axis=1)
    return x, y


@pytest.mark.parametrize("penalty", [0.1, 1.0, 30.0])
def test_is_what_scikit_learn_finds(penalty: float) -> None:
    x, y = rows(3)
    weights = np.linspace(0.2, 2, len(y))
    found = fit_softmax_regression(x, np.eye(3)[y], weights, penalty=penalty)
    oracle = LogisticRegression(C=1 / penalty, tol=1e-8, max_iter=5000).fit(x, y, sample_weight=weights)
    assert np.abs(softmax(found.scores(x)) - oracle.predict_proba(x)).max() < 0.005


def test_soft_targets_are_rows_of_each_label() -> None:
    x, y = rows(2)
    sure, unsure = np.eye(2)[y], np.where(np.eye(2)[y] > 0, 0.75, 0.25)
    both = fit_softmax_regression(
        np.vstack([x, x]), np.vstack([sure, 1 - sure]), np.repeat([0.75, 0.25], len(y)), penalty=1.0
    )
    soft = fit_softmax_regression(x, unsure, np.ones(len(y)), penalty=1.0)
    assert np.abs(softmax(both.scores(x)) - softmax(soft.scores(x))).max() < 0.005


def test_a_strong_pull_keeps_the_center() -> None:
    x, y = rows(3, features=3)
    found = fit_softmax_regression(x, np.eye(3)[y], np.ones(len(y)), penalty=1e6, center=np.eye(3))
    assert np.abs(found.weights - np.eye(3)).max() < 0.01
