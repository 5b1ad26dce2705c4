from labelwright.sandbox.backend.bench import Bench


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_only_failures_in_a_row_bench():
    bench = Bench(3, 60, Clock())
    for _ in range(5):
        assert not bench.failed(0, "slow")
        assert not bench.failed(0, "slow")
        bench.succeeded(0)
    assert bench.admits(0)
    assert not bench.benched


def test_after_the_cooldown_one_caller_may_try():
    clock = Clock()
    bench = Bench(2, 60, clock)
    bench.failed(1, "slow")
    assert bench.failed(1, "slow")
    assert bench.benched == {1: "2 failures in a row, the last: slow"}
    assert not bench.admits(1)
    assert bench.admits(0)
    clock.now = 61
    assert bench.admits(1)
    assert not bench.admits(1)
    assert bench.failed(1, "slow")
    assert not bench.admits(1)
    clock.now = 122
    assert bench.admits(1)
    bench.succeeded(1)
    assert bench.admits(1)
    assert not bench.benched
