from __future__ import annotations

import pytest
from labelwright.client.calling.retry import Attempts, RetryPolicy
from labelwright.core.errors import DeadlineExceeded, GateFailed, LabelwrightError, Overloaded, StorageFull, Unavailable


class Clock:
    """Seconds that pass only when told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_pauses_grow_but_stay_below_the_cap() -> None:
    policy = RetryPolicy(base=0.1, cap=0.5)
    for attempt in range(20):
        assert 0 <= policy.pause(attempt) <= min(0.5, 0.1 * 2**attempt)


def test_the_servers_hint_is_honored() -> None:
    attempts = Attempts(RetryPolicy(), timeout=10)
    assert attempts.pause_after(Overloaded("busy", retry_after=1.5)) >= 1.5


def test_no_pause_goes_beyond_the_deadline() -> None:
    error = Overloaded("busy", retry_after=3.0)
    with pytest.raises(Overloaded):
        Attempts(RetryPolicy(), timeout=2.0).pause_after(error)


def test_a_full_server_is_asked_until_the_deadline() -> None:
    clock = Clock()
    attempts = Attempts(RetryPolicy(attempts=3, cap=0.5), timeout=10, clock=clock)
    for _ in range(15):
        clock.now += attempts.pause_after(Overloaded("busy", retry_after=0.1))
    clock.now = 109.95
    with pytest.raises(Overloaded):
        attempts.pause_after(Overloaded("busy", retry_after=0.1))


def test_one_attempt_is_one_attempt() -> None:
    with pytest.raises(Overloaded):
        Attempts(RetryPolicy(attempts=1), timeout=10).pause_after(Overloaded("busy", retry_after=0.1))


def test_the_attempts_are_counted() -> None:
    attempts = Attempts(RetryPolicy(attempts=3), timeout=100)
    attempts.pause_after(Unavailable("away"))
    attempts.pause_after(Unavailable("away"))
    with pytest.raises(Unavailable):
        attempts.pause_after(Unavailable("away"))


@pytest.mark.parametrize("error", [LabelwrightError("x"), GateFailed("x"), StorageFull("x")])
def test_what_another_attempt_cannot_mend_is_raised_at_once(error: LabelwrightError) -> None:
    with pytest.raises(type(error)):
        Attempts(RetryPolicy(), timeout=10).pause_after(error)


def test_what_is_left_of_the_deadline_shrinks() -> None:
    clock = Clock()
    attempts = Attempts(RetryPolicy(), timeout=5, clock=clock)
    clock.now += 3
    assert attempts.remaining() == 2
    clock.now += 2
    with pytest.raises(DeadlineExceeded):
        attempts.remaining()
