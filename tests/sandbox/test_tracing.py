"""What decided a vote: which lines ran, and what the program's names held."""

import pytest
from labelwright.sandbox import Deciding

from tests.sandbox.programs import make_task, packed, program

TASK = make_task(time_ms=200)
SCORED = """\
import re

WORDS = {"win": 2, "free": 1}
PATTERN = re.compile("[0-9]+")


def score(text):
    total = 0
    for word, weight in WORDS.items():
        if word in text:
            total += weight
    return total


def label(text):
    found = PATTERN.search(text)
    if found:
        return "spam"
    total = score(text)
    if total > 1:
        return "spam"
    return None
"""


def test_a_trace_names_the_line_that_decided_and_what_was_known_there(sandbox):
    number, words, nothing = sandbox.trace(TASK, program(SCORED), packed(TASK, "call 555 now", "win it", "hello"))
    assert number == Deciding(18, (16, 17, 18), {"found": "'555'"})
    assert (words.line, words.values) == (21, {"found": "None", "total": "2"})
    assert {11, 21} < set(words.lines)
    assert 18 not in words.lines
    assert (nothing.line, nothing.values) == (22, {"found": "None", "total": "0"})


def test_an_error_is_traced_to_its_line(sandbox):
    (deciding,) = sandbox.trace(
        TASK, program("def label(text):\n    a = 1\n    return 1 // len(text)\n"), packed(TASK, "")
    )
    assert deciding == Deciding(3, (2, 3), {"a": "1"})


def test_values_are_short_and_plain(sandbox):
    source = """
class Odd:
    def __repr__(self):
        raise ValueError

def label(text):
    odd, many, long, big, nested = Odd(), list(range(1000)), text * 1000, 10 ** 5000, {"a": [1, (2, {3})]}
    return "spam"
"""
    (deciding,) = sandbox.trace(TASK, program(source), packed(TASK, "感"))
    assert deciding.values["many"] == "[0, 1, 2, 3, 4, 5, ...]"
    assert deciding.values["long"] == repr("感" * 80)
    assert deciding.values["nested"] == "{'a': [1, ...]}"
    assert not {"odd", "big", "text"} & deciding.values.keys()


@pytest.mark.parametrize(
    "body",
    [
        "while True: pass",
        "return 'spam' * 10 ** 9",
        "return label(text)",
    ],
)
def test_what_cannot_be_traced_costs_nobody_else_its_trace(sandbox, body):
    source = f"def label(text):\n    if text == 'odd':\n        {body}\n    return 'ham'\n"
    _, sound = sandbox.trace(TASK, program(source), packed(TASK, "odd", "even"))
    assert sound == Deciding(4, (2, 4))
