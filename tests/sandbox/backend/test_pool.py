"""One budget of memory for all versions of a process."""

import threading
import time

import pytest
from labelwright.core.errors import AboveCaps, DeadlineExceeded, InvalidBundle, Overloaded
from labelwright.sandbox import Sandbox
from labelwright.sandbox.backend.pool import InstancePool
from labelwright.sandbox.backend.snapshot import Snapshot

from tests.sandbox.programs import make_task, packed, program

BUDGET_MB = 132
TASK = make_task(memory_mb=64)
HEAVY = (
    "KEPT = b'{letter}' * (20 << 20)\n\ndef label(text):\n    return 'spam' if KEPT[:1].decode() in text else 'ham'\n"
)


@pytest.fixture(scope="module")
def tight():
    with Sandbox(memory_mb=BUDGET_MB) as made:
        yield made


def test_versions_beyond_the_budget_go_and_come_back_with_the_same_votes(tight):
    letters = "abcdef"
    loaded = [tight.load(TASK, [program(HEAVY.format(letter=letter))]) for letter in letters]
    used = []
    for _ in range(2):
        for letter, executable in zip(letters, loaded, strict=True):
            assert executable.evaluate(packed(TASK, letter, "-")).votes == [(0,), (1,)]
            used.append(tight.memory_used_bytes)
    assert 40 << 20 < max(used) <= BUDGET_MB << 20
    for executable in loaded:
        executable.close()
    assert tight.memory_used_bytes == 0


def test_the_least_recently_used_one_goes_first(tight):
    first, second, third = (
        Snapshot(tight.machine, TASK, [program(HEAVY.format(letter=letter))], 10) for letter in "abc"
    )
    pool = InstancePool(120 << 20)
    for snapshot in (first, second):
        pool.keep(snapshot)
        pool.give_back(pool.take(snapshot, None), healthy=True)
    pool.give_back(pool.take(first, None), healthy=True)
    pool.keep(third)
    pool.give_back(pool.take(third, None), healthy=True)
    assert [snapshot.is_retired for snapshot in (first, second, third)] == [False, True, False]


@pytest.mark.parametrize(
    ("task", "programs"),
    [
        pytest.param(make_task(memory_mb=BUDGET_MB + 1), ["a"], id="one instance"),
        pytest.param(make_task(memory_mb=100), ["a", "b"], id="what they keep at the top level"),
    ],
)
def test_a_version_that_can_never_fit_is_refused_at_once(tight, task, programs):
    with pytest.raises(AboveCaps, match=rf"needs \d+ MiB at once, and all versions together have {BUDGET_MB}"):
        tight.load(task, [program(HEAVY.format(letter=letter), letter) for letter in programs])
    assert tight.memory_used_bytes == 0


def test_a_version_that_does_not_load_leaves_nothing(tight):
    heavy = program(HEAVY.format(letter="a"), "heavy")
    with pytest.raises(InvalidBundle):
        tight.load(TASK, [heavy, program("X = 1 / 0\n", "broken")])
    with pytest.raises(DeadlineExceeded):
        tight.load(TASK, [heavy, program("while True:\n    pass\n", "endless")], deadline=time.monotonic() + 1.5)
    assert tight.memory_used_bytes == 0


def test_who_waits_for_memory_hears_of_it_before_the_deadline(tight):
    snapshot = Snapshot(tight.machine, TASK, [program("def label(text):\n    return 'ham'\n")], 10)
    pool = InstancePool(70 << 20)
    lent = pool.take(snapshot, None)
    deadline = time.monotonic() + 1.0
    with pytest.raises(Overloaded) as refused:
        pool.take(snapshot, deadline)
    assert time.monotonic() < deadline
    assert refused.value.retry_after > 0
    threading.Timer(0.2, pool.give_back, (lent,), {"healthy": True}).start()
    assert pool.take(snapshot, time.monotonic() + 20) is lent


def test_loading_goes_on_when_the_callers_deadline_passes(tight):
    slow = "for _ in range(3_000_000):\n    pass\n\ndef label(text):\n    return 'ham'\n"
    executable = tight.load(TASK, [program(slow)])
    others = [tight.load(TASK, [program(HEAVY.format(letter=letter))]) for letter in "abc"]
    for other in others:
        other.evaluate(packed(TASK, "x"))
    with pytest.raises(DeadlineExceeded, match="while programs were loaded"):
        executable.evaluate(packed(TASK, "x"), deadline=time.monotonic() + 0.01)
    time.sleep(3)
    assert executable.evaluate(packed(TASK, "x"), deadline=time.monotonic() + 0.2).votes == [(1,)]
    for each in (executable, *others):
        each.close()
