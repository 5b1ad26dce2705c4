"""What people hear of a program that failed on a record."""

import time

import pytest
from labelwright.core.vote import VoteError
from labelwright.sandbox.failures import failure_messages

from tests.sandbox.programs import evaluate, make_task, packed, program

TASK = make_task(time_ms=500)


def messages(sandbox, *sources, deadline=None):
    programs = [program(source, f"p{number}") for number, source in enumerate(sources)]
    executable = sandbox.load(TASK, programs)
    try:
        (record,) = packed(TASK, "one")
        (votes,) = executable.evaluate([record]).votes
        return votes, failure_messages(executable, record, votes, deadline)
    finally:
        executable.close()


def test_the_name_of_the_exception_its_text_and_the_line_are_told(sandbox):
    votes, told = messages(
        sandbox,
        "def label(text):\n    return {}[text]\n",
        "def label(text):\n    return 1 // 0\n",
        "def label(text):\n    return 'neither'\n",
        "def label(text):\n    return label(text)\n",
        "def label(text):\n    return 'spam'\n",
    )
    assert votes == (VoteError.RAISED, VoteError.RAISED, VoteError.INVALID_RESULT, VoteError.STACK, 0)
    assert told == {
        "p0": "KeyError: 'one' (line 2)",
        "p1": "ZeroDivisionError: division by zero (line 2)",
        "p2": "returned 'neither', which is neither a label nor None",
        "p3": "RecursionError: maximum recursion depth exceeded (line 2)",
    }


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        ("ValueError('a\\x1b[31m\\x00\\nb')", "ValueError: a\ufffd[31m\ufffd b (line 2)"),
        ("type('E' * 5000, (Exception,), {})('x' * 5000)", "E" * 100 + ": " + "x" * 300 + " (line 2)"),
        ("type('Evil\\x1b', (Exception,), {})()", "Evil\ufffd:  (line 2)"),
    ],
)
def test_it_is_short_and_plain_whatever_the_program_raises(sandbox, raised, expected):
    _, told = messages(sandbox, f"def label(text):\n    raise {raised}\n")
    assert told == {"p0": expected}


def test_a_name_that_raises_does_no_harm(sandbox):
    source = """
class Meta(type):
    @property
    def __name__(cls):
        raise KeyboardInterrupt


class Bad(Exception, metaclass=Meta):
    pass


def label(text):
    raise Bad
"""
    evaluation = evaluate(sandbox, TASK, [program(source)], packed(TASK, "one", "two"))
    assert evaluation.votes == [(VoteError.RAISED,)] * 2
    assert evaluation.messages == {"program": "Bad:  (line 13)"}


def test_nobody_pays_twice_for_a_costly_failure(sandbox):
    votes, told = messages(sandbox, "def label(text):\n    while True: pass\n", "def label(text): return 1 // 0\n")
    assert votes == (VoteError.TIMEOUT, VoteError.RAISED)
    assert told == {}


def test_a_deadline_that_has_passed_is_no_reason_to_fail(sandbox):
    assert messages(sandbox, "def label(text): return 1 // 0\n", deadline=time.monotonic() - 1)[1] == {}
