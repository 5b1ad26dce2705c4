from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from labelwright.synthesis.statistics.evaluation import compare, confusion_matrix, measure
from sklearn.metrics import accuracy_score, f1_score

TRUTH = np.array([0, 0, 0, 1, 1, 2])
GIVEN = np.array([0, 0, 1, 1, -1, 0])


def test_an_abstention_is_wrong_or_the_commonest_label():
    quality = measure(TRUTH, GIVEN, 3, default=1)
    assert quality.accuracy == pytest.approx(3 / 6)
    assert quality.accuracy_with_default == pytest.approx(4 / 6)
    assert quality.coverage == pytest.approx(5 / 6)
    assert quality.covered_accuracy == pytest.approx(3 / 5)
    assert quality.confusion.tolist() == [[2, 1, 0, 0], [0, 1, 0, 1], [1, 0, 0, 0]]


labelings = st.integers(2, 4).flatmap(
    lambda labels: st.tuples(
        st.just(labels),
        st.lists(st.tuples(st.integers(0, labels - 1), st.integers(0, labels - 1)), min_size=1, max_size=40),
    )
)


@given(labelings)
def test_equals_scikit_learn(drawn):
    labels, pairs = drawn
    truth, given_labels = (np.array(values) for values in zip(*pairs, strict=True))
    quality = measure(truth, given_labels, labels, default=0)
    assert quality.accuracy == pytest.approx(accuracy_score(truth, given_labels))
    expected = f1_score(truth, given_labels, labels=range(labels), average=None, zero_division=0)
    np.testing.assert_allclose(quality.f1, expected)
    # A label that neither the truth nor an answer names is no part of the mean.
    assert quality.macro_f1 == pytest.approx(f1_score(truth, given_labels, average="macro"))


@given(labelings)
def test_intervals_hold_their_figures(drawn):
    labels, pairs = drawn
    truth, given_labels = (np.array(values) for values in zip(*pairs, strict=True))
    quality = measure(truth, given_labels, labels, default=0)
    assert 0 <= quality.interval[0] <= quality.accuracy <= quality.interval[1] <= 1
    assert 0 <= quality.macro_f1_interval[0] <= quality.macro_f1_interval[1] <= 1


def test_comparison_is_by_row():
    truth = np.zeros(100, dtype=np.int64)
    one, other = truth.copy(), truth.copy()
    other[:10] = 1
    comparison = compare(truth, one, other)
    assert comparison.difference == pytest.approx(0.1)
    assert comparison.interval[0] > 0.03
    assert comparison.p_value == pytest.approx(2 / 2**10)
    assert compare(truth, one, one).p_value == 1.0


def test_errors_count_as_abstentions():
    assert confusion_matrix(np.array([0, 1]), np.array([-4, -1]), 2).tolist() == [[0, 0, 1], [0, 0, 1]]


def test_no_rows():
    with pytest.raises(ValueError, match="no rows"):
        measure(np.array([], dtype=np.int64), np.array([], dtype=np.int64), 2, default=0)
