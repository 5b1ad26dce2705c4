import time

import pytest
from labelwright.core.errors import InvalidBundle
from labelwright.core.finding import Severity
from labelwright.core.task import FieldType
from labelwright.sandbox.static_checks import check_program
from labelwright.sandbox.static_checks.backtracking import Blowup, find_blowup

from tests.sandbox.programs import make_task, program

TASK = make_task()
GOOD = '''"""Looks for prizes and for many numbers."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

SPAM = "spam"
WORDS = re.compile(r"\\b(?:win|free|prize)\\b", re.IGNORECASE)
WEIGHTS = {"win": 2, "free": 1}


@dataclass
class Score:
    """How much speaks for spam."""

    value: int = 0

    def __post_init__(self) -> None:
        self.value += 1


def weigh(text: str) -> int:
    return sum(WEIGHTS.get(word, 0) * count for word, count in Counter(text.lower().split()).items())


def label(text: str) -> str | None:
    import math

    if math.sqrt(weigh(text)) > 1 or Score().value > 3:
        return SPAM
    if WORDS.search(text):
        return "spam" if len(text) < 80 else None
    names = [name for name in sorted(set(text.split()))]
    return "ham" if names else None
'''


def found(source, task=TASK):
    return [(finding.line, finding.code) for finding in check_program(task, program(source))]


def test_a_good_program_has_no_findings():
    assert check_program(TASK, program(GOOD)) == []


def body(*lines):
    return '"""Doc."""\n' + "\n".join(lines) + "\n"


def label(*lines):
    return body("def label(text):", *(f"    {line}" for line in lines))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def label(text)\n    return None\n", [(1, "LW201")]),
        (label("break"), [(3, "LW201")]),
        (body("def f(a, a): pass", "def label(text): return None"), [(2, "LW201")]),
        (label("nonlocal text"), [(3, "LW201")]),
        (body("return 1", "def label(text): return None"), [(2, "LW201")]),
        (label("text = 1", "global text"), [(4, "LW201")]),
        (body("X = 1"), [(0, "LW202")]),
        ("", [(0, "LW202")]),
        (body("label = lambda text: None"), [(2, "LW203")]),
        (body("class label: pass"), [(2, "LW203")]),
        (body("async def label(text): return None"), [(2, "LW203")]),
        (body("import functools", "@functools.lru_cache", "def label(text): return None"), [(3, "LW203")]),
        (label("yield 'spam'"), [(3, "LW203")]),
        (body("if 1:", "    def label(text): return None"), [(2, "LW203"), (2, "LW240")]),
        (body("def label(text, *more): return None"), [(2, "LW204")]),
        (body("def label(text, sender): return None"), [(2, "LW204")]),
        (body("def label(text): return None", "def label(text): return None"), [(2, "LW205")]),
        (label("import os", "return None"), [(3, "LW210")]),
        (label("from . import x", "return None"), [(3, "LW210")]),
        (label("import numpy as np", "return None"), [(3, "LW210")]),
        (label("return ().__class__"), [(3, "LW211")]),
        (label("return getattr(text, '__class__')"), [(3, "LW211")]),
        (label("return '{0.__class__}'.format(text)"), [(3, "LW211")]),
        (label("return eval(text)"), [(3, "LW212")]),
        (label("id = 3", "return 'spam' if id else None"), []),
        (label("return text.gi_frame"), [(3, "LW213")]),
        (label("import random", "return None"), [(3, "LW214")]),
        (body("import datetime", "def label(text): return datetime.date.today()"), [(3, "LW214")]),
        (label("return 'SPAM'"), [(3, "LW220")]),
        (label("return 'spam' if text else 'none'"), [(3, "LW220")]),
        (label("return 1"), [(3, "LW220")]),
        (label("def inner(): return 'other'", "return None"), []),
        (body("NAME = 'spma'", "def label(text): return NAME"), [(3, "LW220")]),
        (body("import re", "re.search = None", "def label(text): return None"), [(3, "LW230")]),
        (label("text.count = 3", "return None"), [(3, "LW231")]),
        (label("global seen", "seen = 1", "return None"), [(3, "LW232")]),
        (body("def helper(seen=[]): return seen", "def label(text): return None"), [(2, "LW233")]),
        (label("for word in set(text.split()): return 'spam'"), [(3, "LW234")]),
        (body("for x in (1,): pass", "def label(text): return None"), [(2, "LW240")]),
        (label("import re", "return 'spam' if re.search('(', text) else None"), [(4, "LW250")]),
        (label("import re", "return 'spam' if re.search(r'(\\w+\\s*)+$', text) else None"), [(4, "LW251")]),
        (body("from re import match as m", "def label(text): return m('.*.*x', text) and None"), [(3, "LW252")]),
        ("def label(text):\n    return None\n", [(1, "LW260")]),
    ],
)
def test_each_mistake_has_its_code_and_line(source, expected):
    assert found(source) == expected


@pytest.mark.parametrize("source", ["X = " + "(" * 5000 + ")" * 5000, "X = " + "-" * 100_000 + "1"])
def test_a_program_that_is_nested_too_deeply_is_a_syntax_error(source):
    assert [code for _, code in found(source)] == ["LW201"]


def deep(kind, depth):
    match kind:
        case "choice":
            return label("return " + "'spam' if text else " * depth + "None")
        case "sum":
            return label(f"return 'spam' if {' + '.join(['text'] * depth)} else None")
        case "pattern":
            parts = " + ".join(["'r'"] * depth)
            return label("import re", f"return re.search({parts}, text) and None")
    return label(f"return 'spam' if {'not ' * depth}text else None")


@pytest.mark.parametrize(
    ("kind", "runs", "too_deep"),
    [("choice", 1500, 2600), ("sum", 1500, 20_000), ("pattern", 1500, 2600), ("not", 3500, 4500)],
)
def test_programs_are_refused_for_their_depth_where_the_sandbox_refuses_them(sandbox, kind, runs, too_deep):
    runs_there, refused = program(deep(kind, runs)), program(deep(kind, too_deep))
    assert check_program(TASK, runs_there) == []
    sandbox.load(TASK, [runs_there]).close()
    with pytest.raises(InvalidBundle):
        sandbox.load(TASK, [refused])
    assert {finding.code for finding in check_program(TASK, refused)} <= {"LW201"}


def test_what_a_long_chain_returns_is_checked_to_its_end():
    assert found(label("return " + "'spam' if text else " * 1500 + "'none'")) == [(3, "LW220")]


def test_a_pattern_of_many_parts_is_checked_to_its_end():
    parts = " + ".join(["'a'"] * 1500 + ["'('"])
    assert found(label("import re", f"return 'spam' if re.search({parts}, text) else None")) == [(4, "LW250")]


def test_every_finding_gives_advice():
    for source in ("", "import os\ndef label(x): return 3\n", "def label(text) x"):
        assert all(finding.advice for finding in check_program(TASK, program(source)))


def test_fields_may_be_taken_in_any_number_and_order():
    task = make_task(a=FieldType.NUMBER, b=FieldType.TEXT, c=FieldType.BYTES)
    assert found('def label(c, a):\n    """Doc."""\n    return None\n', task) == []


def test_doubtful_things_are_warnings():
    findings = check_program(TASK, program("SEEN = []\nfor _ in []: pass\ndef label(text):\n    return None\n"))
    assert {finding.severity for finding in findings} == {Severity.WARNING}


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (r"(a+)+", Blowup.EXPONENTIAL),
        (r"(a|a)*", Blowup.EXPONENTIAL),
        (r"(\w+\s*)+$", Blowup.EXPONENTIAL),
        (r"([^\s]+\s?)+", Blowup.EXPONENTIAL),
        (r"(.*,)*x", Blowup.EXPONENTIAL),
        (r"(?:x+x+)+y", Blowup.EXPONENTIAL),
        (r".*.*", Blowup.POLYNOMIAL),
        (r"\s*(?:\s*)x", Blowup.POLYNOMIAL),
        (r"\w*\d*", Blowup.POLYNOMIAL),
        (r"(\w+\s+)+", None),
        (r"(?:[a-z]+\.)*com", None),
        (r"free.*prize", None),
        (r"\b(win|won|winner)\b", None),
        (r"[a-zA-Z]+(?:-[a-zA-Z]+)*", None),
        (r"(£|\$)\d+(,\d{3})*(\.\d+)?", None),
        (r"^\s*\d+\s*$", None),
        (r"(?>a+)+", None),
        (r"(?:a++)+", None),
    ],
)
def test_patterns_that_blow_up_are_told_from_those_that_do_not(pattern, expected):
    assert find_blowup(pattern) is expected


def seconds(source):
    started = time.process_time()
    check_program(TASK, program(source))
    return time.process_time() - started


WORDS = [f"{head}{number}{tail}" for number in range(100, 350) for head in "abcd" for tail in "wxyz"]
LARGE = {
    "words": lambda n: label("import re", f"return re.search(r'(?:(?:{'|'.join(WORDS[:n])})\\s*)+', text) and 'spam'"),
    "sets": lambda n: label("import re", f"return re.search('(?:{'|'.join(f'[xy]{w}' for w in WORDS[:n])})*', text)"),
    "repeated": lambda n: label(
        "import re", f"return re.search('(?:{''.join(f'[a{chr(300 + k)}]+' for k in range(n))}b)+', text) and 'spam'"
    ),
    "nested": lambda n: label(
        "import re", f"return re.search('{'(' * 90}{'|'.join(WORDS[:n])}{')' * 90}', text) and 1"
    ),
    "functions": lambda n: body("def f(x=0): return f()\n" * n, "def label(text): return f()"),
    "methods": lambda n: body(
        "class A:", *(f"    def m{k}(self{k}): self{k}.x = {k}" for k in range(n)), "def label(text): return A()"
    ),
}


@pytest.mark.parametrize("shape", LARGE)
def test_reading_takes_time_in_proportion_to_the_program(shape):
    small, large = (min(seconds(LARGE[shape](n)) for _ in range(3)) for n in (1000, 4000))
    assert large < 9 * small + 0.05


def test_a_pattern_that_names_put_together_to_any_size_is_not_looked_at():
    source = body("import re", f"A = '{'a' * 100_000}'", f"re.compile({' + '.join(['A'] * 10_000)})")
    assert seconds(source) < 2
