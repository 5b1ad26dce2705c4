from __future__ import annotations

import numpy as np
import pytest
from labelwright.synthesis.learning.calibration import (
    beliefs,
    direct_labels_tell,
    fit_calibration,
    is_told,
    unseen_accuracy,
)

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
    right, rows = unseen_accuracy(beliefs(answers, scores), truth, 2)
    assert right / rows > 0.85
    fresh, fresh_truth = leaning(500, lean=6.0, seed=1)
    said = beliefs(fresh.argmax(axis=1), fresh)
    calibrated = fit_calibration(beliefs(answers, scores), truth, 2).scores(said)
    assert (calibrated.argmax(axis=1) == fresh_truth).mean() > 0.85


def test_what_needs_no_calibration_stays_good() -> None:
    scores, truth = leaning(100, lean=0.0)
    right, _ = unseen_accuracy(beliefs(scores.argmax(axis=1), scores), truth, 2)
    assert right / 100 >= (scores.argmax(axis=1) == truth).mean() - 0.03


def test_an_endpoint_that_tells_no_scores_is_taken_by_its_word() -> None:
    said = beliefs(np.array([0, 2, -1]), np.full((3, 3), NO))
    assert said.argmax(axis=1)[:2].tolist() == [0, 2]
    assert is_told(said).tolist() == [True, True, False]
    assert np.exp(said[:2]).sum(axis=1) == pytest.approx([1, 1])


def test_scores_that_say_nothing_of_the_answer_are_not_taken() -> None:
    # Two names that begin alike: the first token tells neither, and the third label's score is all there is.
    said = beliefs(np.array([1]), np.array([[NO, NO, -4.0]]))
    assert said.argmax() == 1


def test_an_answer_beside_the_labels_leaves_its_scores() -> None:
    assert beliefs(np.array([-1]), np.array([[-2.0, -1.0]])).argmax() == 1


def test_silence_is_no_evidence() -> None:
    scores, truth = leaning(60, lean=0.0)
    calibration = fit_calibration(beliefs(scores.argmax(axis=1), scores), truth, 2)
    assert calibration.evidence(np.full((2, 2), NO)).tolist() == [[0, 0], [0, 0]]


def test_labels_that_know_no_more_than_the_commonest_one_do_not_pass_the_gate() -> None:
    generator = np.random.default_rng(0)
    truth = (generator.random(100) < 0.3).astype(np.int64)
    noise = generator.normal(size=(100, 2)) - 2
    assert not direct_labels_tell(beliefs(noise.argmax(axis=1), noise), truth)
    assert not direct_labels_tell(np.full((100, 2), NO), truth)
    scores, truth = leaning(100, lean=6.0)
    assert direct_labels_tell(beliefs(scores.argmax(axis=1), scores), truth)
