from __future__ import annotations

import numpy as np
import pytest
from labelwright.synthesis.statistics.reliability import calibration_error, reliability
from sklearn.calibration import calibration_curve


def test_equals_scikit_learn():
    generator = np.random.default_rng(0)
    promised = generator.random(500)
    right = generator.random(500) < promised**2
    bands = reliability(right, promised)
    expected_right, expected_promised = calibration_curve(right, promised, n_bins=10)
    assert [band.right for band in bands] == pytest.approx(expected_right.tolist())
    assert [band.promised for band in bands] == pytest.approx(expected_promised.tolist())
    weights = np.array([band.rows for band in bands]) / 500
    assert calibration_error(bands) == pytest.approx(float(weights @ abs(expected_right - expected_promised)))


def test_certain_labels_stand_in_the_last_band():
    assert [(band.low, band.rows) for band in reliability(np.array([True]), np.array([1.0]))] == [(0.9, 1)]
    assert calibration_error([]) == 0.0
