import subprocess
import sys
import threading
import time

import pytest
from labelwright.core.errors import InvalidBundle, Unavailable
from labelwright.core.task import FieldType
from labelwright.core.vote import VoteError
from labelwright.sandbox import Sandbox

from tests.sandbox.programs import evaluate, make_task, packed, program

ALWAYS = program("def label(text):\n    return 'ham'\n", "always")
LOOP = program("def label(text):\n    while 'loop' in text:\n        pass\n    return 'spam'\n", "loop")
HUNGRY = program("def label(text):\n    return 'spam' if len(bytearray(int(text))) else 'ham'\n", "hungry")


def test_a_slow_but_legal_program_keeps_its_votes_whatever_the_batch(sandbox):
    task = make_task(time_ms=400)
    slow = program(
        "def label(text):\n    n = 0\n    for i in range(int(text)):\n        n += i\n    return 'spam'\n", "slow"
    )
    records = packed(task, *["400000"] * 12)
    for size in (1, 5, 12):
        executable = sandbox.load(task, [ALWAYS, slow])
        try:
            for start in range(0, len(records), size):
                assert set(executable.evaluate(records[start : start + size]).votes) == {(1, 0)}
        finally:
            executable.close()


def test_many_programs_that_are_slow_together_keep_their_votes(sandbox):
    task = make_task(time_ms=300)
    source = "def label(text):\n    n = 0\n    for i in range(250000):\n        n += i\n    return 'spam'\n"
    programs = [program(source, f"slow{number:02}") for number in range(12)]
    votes = evaluate(sandbox, task, programs, packed(task, "a", "b", "c")).votes
    assert votes == [(0,) * 12] * 3


def test_only_the_pair_that_loops_times_out(sandbox):
    task = make_task(time_ms=60)
    texts = ["hi", "loop", "hi", "hi", "loop", "hi"]
    evaluation = evaluate(sandbox, task, [ALWAYS, LOOP], packed(task, *texts))
    assert [votes[1] for votes in evaluation.votes] == [VoteError.TIMEOUT if text == "loop" else 0 for text in texts]
    assert {votes[0] for votes in evaluation.votes} == {1}
    assert evaluation.messages == {"loop": "ran longer than 60 ms"}


def test_a_quadratic_pattern_on_a_hundred_thousand_equal_characters_times_out_alone(sandbox):
    task = make_task(time_ms=100)
    quadratic = program("import re\n\ndef label(text):\n    return 'spam' if re.search(r' +$', text) else 'ham'\n")
    records = packed(task, " " * 100_000 + "x", "short ")
    assert evaluate(sandbox, task, [ALWAYS, quadratic], records).votes == [(1, VoteError.TIMEOUT), (1, 0)]


def test_memory_is_judged_in_a_fresh_instance(sandbox):
    task = make_task(memory_mb=64)
    records = packed(task, "10000000", "1000000000", "10000000")
    evaluation = evaluate(sandbox, task, [ALWAYS, HUNGRY], records)
    assert evaluation.votes == [(1, 0), (1, VoteError.MEMORY), (1, 0)]
    assert evaluation.messages == {"hungry": "asked for more than 64 MiB"}


def test_a_repeat_offender_is_benched_and_gets_another_chance():
    task = make_task(time_ms=20)
    with Sandbox(bench_after=3, bench_cooldown=1.0) as sandbox:
        executable = sandbox.load(task, [ALWAYS, LOOP])
        votes = executable.evaluate(packed(task, *["loop"] * 6)).votes
        assert [vote for _, vote in votes] == [VoteError.TIMEOUT] * 3 + [VoteError.BENCHED] * 3
        assert list(executable.benched) == ["loop"]
        assert "ran longer than 20 ms" in executable.benched["loop"]
        time.sleep(1.1)
        assert executable.evaluate(packed(task, "fine", "fine")).votes == [(1, 0), (1, 0)]
        assert not executable.benched
        executable.close()


def test_programs_that_do_not_load_are_all_named(sandbox):
    task = make_task()
    broken = program("import nothing\n", "broken")
    raising = program("X = 1\nY = X / 0\n\ndef label(text):\n    return None\n", "raising")
    with pytest.raises(InvalidBundle) as refused:
        sandbox.load(task, [broken, ALWAYS, raising])
    places = [(finding.file, finding.line, finding.code) for finding in refused.value.findings]
    assert places == [("programs/broken.py", 1, "LW301"), ("programs/raising.py", 2, "LW301")]


def test_a_closed_executable_says_so(sandbox):
    executable = sandbox.load(make_task(), [ALWAYS])
    executable.close()
    with pytest.raises(Unavailable):
        executable.evaluate(packed(make_task(), "x"))


def test_an_empty_batch_has_no_votes(sandbox):
    assert evaluate(sandbox, make_task(), [ALWAYS], []).votes == []


def test_every_kind_of_value_arrives(sandbox):
    task = make_task(
        text=FieldType.TEXT,
        number=FieldType.NUMBER,
        flag=FieldType.BOOL,
        numbers=FieldType.NUMBERS,
        data=FieldType.BYTES,
    )
    source = (
        "import math\n\ndef label(data, number, numbers, flag, text):\n"
        "    numbers.append(1.0)\n"
        "    right = data == b'\\x00\\xff' and math.isnan(number) and flag is True and text == '\\u00e9\\U0001f600'\n"
        "    right = right and numbers[0] == math.inf and math.copysign(1, numbers[1]) == -1 and len(numbers) == 3\n"
        "    return 'spam' if right else 'ham'\n"
    )
    record = {
        "text": "\u00e9\U0001f600",
        "number": float("nan"),
        "flag": True,
        "numbers": [float("inf"), -0.0],
        "data": b"\x00\xff",
    }
    programs = [program(source, "first"), program(source, "second")]
    assert evaluate(sandbox, task, programs, packed(task, record)).votes == [(0, 0)]


def test_several_threads_get_their_own_answers(sandbox):
    task = make_task(time_ms=1000)
    parity = program("def label(text):\n    return 'spam' if int(text) % 2 else 'ham'\n", "parity")
    executable = sandbox.load(task, [ALWAYS, parity])
    wrong = []

    def work(offset):
        for number in range(offset, offset + 40):
            votes = executable.evaluate(packed(task, *map(str, range(number, number + 9)))).votes
            if votes != [(1, 0 if value % 2 else 1) for value in range(number, number + 9)]:
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(100 * index,)) for index in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    executable.close()
    assert not wrong


MEMORY_SCRIPT = """
import os
from labelwright.sandbox import Sandbox
from tests.sandbox.programs import make_task
from tests.sandbox.programs import packed
from tests.sandbox.programs import program

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 20

task = make_task(memory_mb=512, time_ms=5000)
hungry = program("KEPT = []\\ndef label(text):\\n    KEPT.append(b'x' * (int(text) << 20))\\n    return 'ham'\\n")
with Sandbox(bench_after=1000) as sandbox:
    executable = sandbox.load(task, [hungry])
    executable.evaluate(packed(task, "1"))
    before = resident()
    executable.evaluate(packed(task, "300", "900", "1"))
    print(before, resident())
"""


def test_memory_comes_back():
    done = subprocess.run([sys.executable, "-c", MEMORY_SCRIPT], capture_output=True, text=True, check=True)
    before, after = map(int, done.stdout.split())
    assert after - before < 60
