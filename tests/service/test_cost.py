from __future__ import annotations

import pytest
from labelwright.service.breaker import BreakerState, RedisBreaker
from labelwright.service.cost import Cost


def test_an_estimate_follows_what_was_measured() -> None:
    cost = Cost()
    assert cost.estimate(1) is None
    for _ in range(100):
        cost.add(1, 0.001)
        cost.add(256, 0.004)
    assert cost.estimate(1) == pytest.approx(0.001)
    assert cost.estimate(300) == pytest.approx(0.004)
    for _ in range(100):
        cost.add(1, 0.002)
    assert cost.estimate(1) == pytest.approx(0.002, rel=0.01)


def test_one_outlier_does_not_decide() -> None:
    cost = Cost()
    cost.add(1, 0.001)
    cost.add(1, 10.0)
    assert (cost.estimate(1) or 0) < 0.002


def test_a_size_that_was_never_measured_is_scaled_from_the_nearest() -> None:
    cost = Cost()
    cost.add(16, 0.001)
    assert cost.estimate(64) == pytest.approx(0.004)
    assert cost.estimate(4) == pytest.approx(0.00025)
    assert cost.estimate(1 << 40) is not None


def test_the_breaker_opens_after_three_failures_in_a_row_and_closes_on_success() -> None:
    breaker = RedisBreaker()
    assert not breaker.failed()
    assert not breaker.failed()
    breaker.succeeded()
    assert [breaker.failed() for _ in range(3)] == [False, False, True]
    states = [breaker.state]
    assert not breaker.probe_is_due()
    assert breaker.succeeded()
    assert [*states, breaker.state] == [BreakerState.OPEN, BreakerState.CLOSED]
