from __future__ import annotations

import numpy as np
from labelwright.synthesis.learning.calibration import (
    direct_labels_tell,
    fit_calibration,
    unseen_accuracy,
)

from tests.synthesis.made_up import direct_labels

NO = np.nan


def leaning(rows: int, lean: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Scores of an LLM that knows something and leans to the second of two labels, and the truth."""
    generator = np.random.default_rng(seed)
    truth = (generator.random(rows) < 0.3).astype(np.int64)
    odds = 3.0 * (2 * truth - 1) + generator.normal(size=rows) * 2 + lean
    return np.stack([-np.logaddexp(0, odds), -np.logaddexp(0, -odds)], axis=1), truth


def test_a_lean_is_undone() -> None:
    scores, truth = leaning(100, lean=6.0)
    answers = scores.argmax(axis=1)
    assert (answers == truth).mean() < 0.6
    right, rows = unseen_accuracy(direct_labels(answers, scores).beliefs, truth, 2)
    assert right / rows > 0.85
    fresh, fresh_truth = leaning(500, lean=6.0, seed=1)
    beliefs = direct_labels(fresh.argmax(axis=1), fresh).beliefs
    calibrated = fit_calibration(direct_labels(answers, scores).beliefs, truth, 2).scores(beliefs)
    assert (calibrated.argmax(axis=1) == fresh_truth).mean() > 0.85


def test_what_needs_no_calibration_stays_good() -> None:
    scores, truth = leaning(100, lean=0.0)
    right, _ = unseen_accuracy(direct_labels(scores.argmax(axis=1), scores).beliefs, truth, 2)
    assert right / 100 >= (scores.argmax(axis=1) == truth).mean() - 0.03


def test_silence_is_no_evidence() -> None:
    scores, truth = leaning(60, lean=0.0)
    calibration = fit_calibration(direct_labels(scores.argmax(axis=1), scores).beliefs, truth, 2)
    assert calibration.evidence(np.full((2, 2), NO)).tolist() == [[0, 0], [0, 0]]


def test_labels_that_know_no_more_than_the_commonest_one_do_not_pass_the_gate() -> None:
    generator = np.random.default_rng(0)
    truth = (generator.random(100) < 0.3).astype(np.int64)
    noise = generator.normal(size=(100, 2)) - 2
    assert not direct_labels_tell(direct_labels(noise.argmax(axis=1), noise).beliefs, truth)
    assert not direct_labels_tell(np.full((100, 2), NO), truth)
    scores, truth = leaning(100, lean=6.0)
    assert direct_labels_tell(direct_labels(scores.argmax(axis=1), scores).beliefs, truth)
