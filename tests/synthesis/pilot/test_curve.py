from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from labelwright.synthesis.pilot.curve import SHARES, escalation_curve, recommended

TRUTH = np.tile([0, 1], 50)
RIGHT_WHERE_SURE = np.where(np.arange(100) < 20, 1 - TRUTH, TRUTH)
SURENESS = np.linspace(0.5, 1.0, 100)


def test_the_least_sure_go_first_and_the_rest_stays():
    """The programs are wrong on the least sure fifth: with that sent, everything is right, and a tenth halves it."""
    curve = {p.share: p for p in escalation_curve(TRUTH, RIGHT_WHERE_SURE, SURENESS, TRUTH)}
    assert (curve[0.0].accuracy, curve[0.1].accuracy, curve[0.2].accuracy, curve[1.0].accuracy) == (0.8, 0.9, 1.0, 1.0)
    assert curve[0.1].sent == 10
    assert curve[0.1].against_direct.difference == pytest.approx(-0.1)
    assert recommended(list(curve.values())).share == 0.2


def test_abstentions_go_before_all_else():
    labels = np.where(np.arange(100) >= 95, -1, TRUTH)
    curve = escalation_curve(TRUTH, labels, SURENESS, TRUTH)
    assert [point.accuracy for point in curve[:2]] == [0.95, 1.0]


def test_a_model_that_is_worse_than_the_programs_is_sent_nothing():
    assert recommended(escalation_curve(TRUTH, TRUTH, SURENESS, np.zeros(100, dtype=np.int64))).share == 0.0


labels = st.lists(st.integers(-1, 2), min_size=1, max_size=40)


@given(labels, st.randoms())
def test_nothing_sent_is_the_programs_and_everything_the_model_s_where_it_answered(given_labels, random):
    programs = np.array(given_labels)
    truth, direct = (np.array([random.randint(low, 2) for _ in given_labels]) for low in (0, -1))
    curve = escalation_curve(truth, programs, np.array([random.random() for _ in given_labels]), direct)
    assert [point.share for point in curve] == list(SHARES)
    assert curve[0].accuracy == pytest.approx((programs == truth).mean())
    assert curve[-1].accuracy == pytest.approx((np.where(direct >= 0, direct, programs) == truth).mean())
