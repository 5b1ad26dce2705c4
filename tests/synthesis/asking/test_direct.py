from __future__ import annotations

import numpy as np
import pytest
from labelwright.synthesis.learning.calibration import answered

from tests.synthesis.made_up import direct_labels

NO = np.nan


def test_an_endpoint_that_gives_no_scores_is_taken_by_its_word() -> None:
    beliefs = direct_labels(np.array([0, 2, -1]), label_count=3).beliefs
    assert beliefs.argmax(axis=1)[:2].tolist() == [0, 2]
    assert answered(beliefs).tolist() == [True, True, False]
    assert np.exp(beliefs[:2]).sum(axis=1) == pytest.approx([1, 1])


def test_scores_that_say_nothing_of_the_answer_are_not_taken() -> None:
    # Two names that begin alike: the first token tells neither, and the third label's score is all there is.
    beliefs = direct_labels(np.array([1]), np.array([[NO, NO, -4.0]])).beliefs
    assert beliefs.argmax() == 1


def test_an_answer_beside_the_labels_leaves_its_scores() -> None:
    assert direct_labels(np.array([-1]), np.array([[-2.0, -1.0]])).beliefs.argmax() == 1
