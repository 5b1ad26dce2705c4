"""Reads a program without running it, and reports early and with a line what would otherwise fail late or never.

These checks explain; the sandbox protects. A program that slips through them still cannot leave it.
"""

from __future__ import annotations

import ast
import contextlib
import warnings

from labelwright.core.bundle import Program
from labelwright.core.finding import Finding
from labelwright.core.task import Task
from labelwright.sandbox.static_checks import history, label_function, reach, regex_lint, state
from labelwright.sandbox.static_checks.rule import SYNTAX, Breach

__all__ = ["check_program"]


def check_program(task: Task, program: Program) -> list[Finding]:
    """Return all that is wrong or doubtful with ``program``, by line."""
    try:
        with warnings.catch_warnings():
            # An unknown escape in a plain string is common in programs written by models, and harmless.
            warnings.simplefilter("ignore")
            tree = ast.parse(program.source, program.path)
            breaches = set(_breaches(task, tree))
            _compile(tree)
    except SyntaxError as error:
        breaches = {Breach(SYNTAX, error.lineno or 0, f"not valid Python: {error.msg}")}
    except RecursionError:
        # This machine's Python makes no tree that deep, the sandbox's may: whether it does, loading tells.
        breaches = set()
    except (MemoryError, ValueError):
        breaches = {Breach(SYNTAX, 0, "not valid Python: nested too deeply")}
    return sorted(breach.finding(program.path) for breach in breaches)


def _compile(tree: ast.Module) -> None:
    """Raise SyntaxError where only the compiler sees one: ``break`` outside of a loop, an argument named twice."""
    # A tree that is too deep for this machine's compiler may not be too deep for the sandbox's.
    with contextlib.suppress(RecursionError, MemoryError, ValueError):
        compile(tree, "<program>", "exec", dont_inherit=True)


def _breaches(task: Task, tree: ast.Module) -> list[Breach]:
    return [
        *label_function.check(task, tree),
        *reach.check(tree),
        *state.check(tree),
        *history.check(tree),
        *regex_lint.check(tree),
    ]
