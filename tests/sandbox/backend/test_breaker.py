from labelwright.sandbox.backend.breaker import Breaker


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_only_failures_in_a_row_bench():
    breaker = Breaker(3, 60, Clock())
    for _ in range(5):
        assert not breaker.failed(0, "slow")
        assert not breaker.failed(0, "slow")
        breaker.succeeded(0)
    assert breaker.admits(0)
    assert not breaker.benched


def test_after_the_cooldown_one_caller_may_try():
    clock = Clock()
    breaker = Breaker(2, 60, clock)
    breaker.failed(1, "slow")
    assert breaker.failed(1, "slow")
    assert breaker.benched == {1: "2 failures in a row, the last: slow"}
    assert not breaker.admits(1)
    assert breaker.admits(0)
    clock.now = 61
    assert breaker.admits(1)
    assert not breaker.admits(1)
    assert breaker.failed(1, "slow")
    assert not breaker.admits(1)
    clock.now = 122
    assert breaker.admits(1)
    breaker.succeeded(1)
    assert breaker.admits(1)
    assert not breaker.benched
