"""Programs share an instance only where nothing in them could reach another program."""

import pytest
from labelwright.sandbox.static_checks.plain import is_plain

from tests.parts.repository import EXAMPLES
from tests.sandbox.programs import HOSTILE, REACHING

OTHER = (
    "x.__class__",
    "'{0.a}'.format(x)",
    "str.format('{0.a}', x)",
    "'{0.a}'.format_map(x)",
    "format(x, 'a')",
    "getattr(x, 'a')",
    "type('T', (), {})",
    "error.obj",
    "error.args",
    "f.cr_frame",
    "x.real = 1",
    "del x.real",
    "eval(x)",
    "super()",
    "object()",
    "hash(x)",
    "import os",
    "import collections",
    "import re.x",
    "import functools",
    "import string as __builtins__",
    "from re import copyreg",
    "from string import Formatter",
    "from string import *",
    "from operator import attrgetter",
    "from functools import update_wrapper",
    "from . import x",
    "class C: pass",
    "with x: pass",
    "match x:\n    case str(real=y): pass",
    "async def g(): await x",
    "global __builtins__",
    "lambda __import__: 0",
    "def eval(x): return x",
    "def (",
    "x" * 2 + "(" * 3000,
)


@pytest.mark.parametrize("source", OTHER)
def test_what_could_reach_further_is_not_plain(source):
    assert not is_plain(source)


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*/bundle/programs/*.py")), ids=lambda path: path.stem)
def test_the_programs_of_the_examples_are(path):
    assert is_plain(path.read_text(encoding="utf-8"))


def test_ways_into_the_interpreter_are_not():
    assert not is_plain(REACHING)
    for way in ("frame_climbing", "traceback_climbing", "subclass_walk", "dunder_by_name", "patch_module"):
        assert not is_plain((HOSTILE / f"{way}.py.txt").read_text())
