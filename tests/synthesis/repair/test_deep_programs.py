"""A long chain of ``elif`` or ``+`` is a deep tree, and nothing that reads programs may fail of it."""

from __future__ import annotations

import ast
import sys
import threading

import pytest
from labelwright.core.bundle import Program
from labelwright.core.task import Task
from labelwright.synthesis.repair.repair import repair
from labelwright.synthesis.repair.unparsing import unparse
from labelwright.synthesis.writing.validation import same_source

from tests.parts.native import native_label

BODIES = {
    "elif": "".join(f"    elif 'w{number}' in text:\n        return 'bad'\n" for number in range(900)),
    "sum": f"    elif {' + '.join(f'''('w{number}' in text)''' for number in range(1000))}:\n        return 'bad'\n",
    "choice": f"    return {' '.join(f'''None if 'w{number}' in text else''' for number in range(450))} None\n",
    "calls": f"    return text{'.strip()' * 300} and None\n",
}


def source(body: str, docstring: str = "Looks for fun.") -> str:
    return f'def label(text):\n    """{docstring}"""\n    if "fun" in text:\n        return "Good"\n{body}'


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_is_repaired(reviews: Task, body: str) -> None:
    limit = sys.getrecursionlimit()
    repaired = repair(reviews, source(body))
    assert repaired.parses
    assert repaired.changes == ("spelled the label 'good', not 'Good'",)
    assert native_label(repaired.source, "it is fun") == "good"
    assert (sys.getrecursionlimit(), threading.stack_size()) == (limit, 0)


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_is_compared_with_others(body: str) -> None:
    one, other = Program("one", source(body)), Program("other", source(body, "Looks for something else."))
    assert same_source(one, other)
    assert not same_source(one, Program("third", source(body.replace("text", "text.lower()", 1))))


def test_a_number_that_python_does_not_write_leaves_the_source_as_it_was(reviews: Task) -> None:
    huge = source(f"    return 'bad' if 0x{'f' * 5000} else None\n")
    assert repair(reviews, huge).source == huge
    assert same_source(Program("one", huge), Program("other", huge))
    assert unparse(ast.parse(huge)) is None
