import pytest
from labelwright.sandbox.backend.bench import Bench


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def run(bench, pattern, times):
    """Let it run by the pattern, F for a fault; return how often it ran before it was benched."""
    for number, outcome in enumerate(pattern * times):
        if not bench.admits():
            return number
        if outcome == "F":
            bench.failed("slow")
        else:
            bench.succeeded()
    return None


@pytest.mark.parametrize(("pattern", "runs"), [("F", 5), ("FFF.", 6), (".F", 10), ("F...", 17)])
def test_a_quarter_of_faults_benches_in_whatever_order_they_come(pattern, runs):
    assert run(Bench(5, 60, Clock()), pattern, 100) == runs


@pytest.mark.parametrize("pattern", [".", "F....", "F" + 24 * ".", "FF" + 20 * "."])
def test_fewer_faults_do_not(pattern):
    bench = Bench(5, 60, Clock())
    assert run(bench, pattern, 100) is None
    assert not bench.reason


def test_after_the_cooldown_one_caller_may_try():
    clock = Clock()
    bench = Bench(2, 60, clock)
    bench.failed("slow")
    assert bench.admits()
    bench.failed("slow")
    assert bench.reason == "2 of the last 2 runs failed, the last: slow"
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


def test_a_run_that_began_before_it_was_benched_does_not_free_it():
    bench = Bench(1, 60, Clock())
    bench.failed("slow")
    bench.succeeded()
    assert not bench.admits()
