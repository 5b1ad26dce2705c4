"""Callers with less time than a program may take, and machines with less than it needs: who is blamed, and when."""

import os
import subprocess
import sys
import threading
import time

import pytest
from labelwright.core.errors import DeadlineExceeded, Overloaded
from labelwright.core.vote import VoteError
from labelwright.sandbox import Sandbox

from tests.sandbox.programs import make_task, packed, program

ALWAYS = program("def label(text):\n    return 'ham'\n", "always")
LOOP = program("def label(text):\n    while 'loop' in text:\n        pass\n    return 'spam'\n", "loop")
APART = program(
    "class Own:\n    pass\n\ndef label(text):\n    while 'loop' in text:\n        pass\n    return 'spam'\n", "loop"
)
"""Not plain, so in an instance of its own."""


def in_time(executable, records, seconds):
    """Return the votes, or None where the deadline passes."""
    try:
        return executable.evaluate(records, deadline=time.monotonic() + seconds).votes
    except DeadlineExceeded:
        return None


def until_answered(executable, records, seconds):
    give_up = time.monotonic() + 30
    while (votes := in_time(executable, records, seconds)) is None:
        assert time.monotonic() < give_up
        time.sleep(0.05)
    return votes


@pytest.fixture(scope="module")
def judging():
    with Sandbox(bench_after=1000, judges_late=True) as made:
        yield made


@pytest.mark.parametrize("loop", [LOOP, APART], ids=["together", "apart"])
def test_a_program_is_blamed_though_every_caller_has_less_time_than_its_limit(judging, loop):
    task = make_task(time_ms=400)
    executable = judging.load(task, [ALWAYS, loop])
    records = packed(task, "fine", "loop", "good")
    assert in_time(executable, records, 0.15) is None
    assert until_answered(executable, records, 0.15) == [(1, 0), (1, VoteError.TIMEOUT), (1, 0)]
    assert until_answered(executable, packed(task, "loop"), 0.15) == [(1, VoteError.TIMEOUT)]
    assert until_answered(executable, packed(task, "fine", "other"), 0.15) == [(1, 0), (1, 0)]
    assert executable.evaluate(packed(task, "loop")).messages == {"loop": "ran longer than 400 ms"}
    executable.close()


def test_a_program_that_keeps_failing_such_callers_is_benched():
    task = make_task(time_ms=100)
    with Sandbox(bench_after=3, judges_late=True) as sandbox:
        executable = sandbox.load(task, [ALWAYS, LOOP])
        give_up = time.monotonic() + 30
        number = 0
        while not executable.benched and time.monotonic() < give_up:
            number += 1
            in_time(executable, packed(task, f"loop {number}"), 0.05)
            time.sleep(0.05)
        assert list(executable.benched) == ["loop"]
        assert until_answered(executable, packed(task, "loop again"), 0.5) == [(1, VoteError.BENCHED)]
        executable.close()


def test_a_deadline_that_was_too_short_for_a_sound_program_blames_nobody(judging):
    task = make_task(time_ms=2000)
    slow = program("def label(text):\n    for _ in range(400_000):\n        pass\n    return 'spam'\n", "slow")
    executable = judging.load(task, [ALWAYS, slow])
    records = packed(task, *map(str, range(20)))
    for _ in range(3):
        assert in_time(executable, records, 0.02) is None
        time.sleep(0.2)
    assert executable.evaluate(records).votes == [(1, 0)] * 20
    assert not executable.benched
    assert in_time(executable, packed(task, "fine"), -1.0) is None
    executable.close()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the scheduler is Linux's")
def test_who_had_no_processor_is_not_blamed():
    task = make_task(time_ms=50)
    processor = min(os.sched_getaffinity(0))
    busy = f"import os; os.sched_setaffinity(0, {{{processor}}})\nwhile True: pass"
    outcomes = []

    def evaluate():
        os.sched_setaffinity(0, {processor})
        os.setpriority(os.PRIO_PROCESS, 0, 15)  # this thread alone: it gets a thirtieth of the processor
        try:
            outcomes.append(str(executable.evaluate(packed(task, "a")).votes))
        except Overloaded:
            outcomes.append("overloaded")

    with Sandbox(bench_after=1) as sandbox:
        work = program("def label(text):\n    for _ in range(400_000):\n        pass\n    return 'ham'\n", "work")
        executable = sandbox.load(task, [work])
        hog = subprocess.Popen([sys.executable, "-c", busy])
        try:
            starved = threading.Thread(target=evaluate)
            starved.start()
            starved.join()
        finally:
            hog.kill()
            hog.wait()
        assert outcomes in (["overloaded"], ["[(1,)]"])
        assert not executable.benched
        executable.close()


def test_a_slow_top_level_costs_nothing_after_a_time_out(sandbox):
    task = make_task(time_ms=200)
    top = "for _ in range(8_000_000):\n    pass\n"
    programs = [program(top + one.source, one.name) for one in (ALWAYS, LOOP)]
    programs.append(program("def label(text):\n    return 'spam'\n", "third"))
    started = time.monotonic()
    executable = sandbox.load(task, programs)
    loading = time.monotonic() - started
    executable.evaluate(packed(task, "loop"))
    took = []
    for _ in range(7):
        started = time.monotonic()
        assert executable.evaluate(packed(task, "fine")).votes == [(1, 0, 0)]
        took.append(time.monotonic() - started)
    # One of them may have met a busy machine.
    assert sorted(took)[-2] < loading / 3
    executable.close()
