from __future__ import annotations

import pytest
from labelwright.worker.significance import chi_square_quantile
from scipy.stats import chi2, norm


@pytest.mark.parametrize("degrees", [1, 2, 5, 20, 99])
@pytest.mark.parametrize("share", [0.9, 0.99, 0.999, 0.9999])
def test_the_quantile_is_about_the_exact_one(degrees: int, share: float) -> None:
    assert chi_square_quantile(norm.ppf(share), degrees) == pytest.approx(chi2.ppf(share, degrees), rel=0.08)
