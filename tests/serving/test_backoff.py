from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st
from labelwright.serving.backoff import Backoff


def test_pauses_double_up_to_the_longest() -> None:
    assert [Backoff(0.5, 5.0).pause(failures) for failures in range(1, 7)] == [0.5, 1.0, 2.0, 4.0, 5.0, 5.0]


def test_days_of_failures_do_not_end_the_pauses() -> None:
    """Two to the power of the failures, unbounded, is more than a float holds after a thousand of them."""
    assert Backoff(1.0, 60.0).pause(100_000) == 60.0


@given(st.floats(0.001, 10), st.floats(10, 1000))
def test_pauses_never_get_shorter_and_reach_the_longest(first: float, longest: float) -> None:
    pauses = [Backoff(first, longest).pause(failures) for failures in range(1, 40)]
    assert all(earlier <= later for earlier, later in itertools.pairwise(pauses))
    assert pauses[0] == first
    assert pauses[-1] == longest
