from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from labelwright.worker.significance import chi_square_quantile, sign_test
from scipy.stats import binomtest, chi2, norm


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


@pytest.mark.parametrize("degrees", [1, 2, 5, 20, 99])
@pytest.mark.parametrize("share", [0.9, 0.99, 0.999, 0.9999])
def test_the_quantile_is_about_the_exact_one(degrees: int, share: float) -> None:
    assert chi_square_quantile(norm.ppf(share), degrees) == pytest.approx(chi2.ppf(share, degrees), rel=0.08)
