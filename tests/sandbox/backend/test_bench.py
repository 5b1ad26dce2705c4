from labelwright.sandbox.backend.bench import Bench


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_only_failures_in_a_row_bench():
    bench = Bench(3, 60, Clock())
    for _ in range(5):
        bench.failed("slow")
        bench.failed("slow")
        bench.succeeded()
    assert bench.admits()
    assert not bench.reason


def test_after_the_cooldown_one_caller_may_try():
    clock = Clock()
    bench = Bench(2, 60, clock)
    bench.failed("slow")
    assert bench.admits()
    bench.failed("slow")
    assert bench.reason == "2 failures in a row, the last: slow"
    assert not bench.admits()
    clock.now = 61
    assert bench.admits()
    assert not bench.admits()
    bench.failed("slow")
    assert not bench.admits()
    clock.now = 122
    assert bench.admits()
    bench.succeeded()
    assert bench.admits()
    assert not bench.reason
