from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from labelwright.synthesis.statistics.chance import sign_test, wilson
from scipy.stats import binomtest


@pytest.mark.parametrize(
    # Newcombe (1998), Statistics in Medicine 17, table I, the score method without continuity correction.
    ("right", "rows", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_equals_published_values(right, rows, low, high):
    assert wilson(right, rows) == pytest.approx((low, high), abs=5e-5)


@given(wins=st.integers(0, 300), losses=st.integers(0, 300))
def test_the_sign_test_is_the_exact_binomial_test(wins: int, losses: int) -> None:
    expected = binomtest(wins, wins + losses).pvalue if wins + losses else 1.0
    assert sign_test(wins, losses) == pytest.approx(expected, rel=1e-6, abs=1e-300)


def test_many_rows_overflow_nothing() -> None:
    assert sign_test(5000, 5100) == pytest.approx(binomtest(5000, 10100).pvalue)
    assert sign_test(9000, 100) < 1e-300


@given(wins=st.integers(0, 200), losses=st.integers(0, 200))
def test_the_sign_test_takes_no_side(wins: int, losses: int) -> None:
    assert sign_test(wins, losses) == sign_test(losses, wins) <= 1.0
