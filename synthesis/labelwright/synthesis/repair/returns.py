"""Repairs of the way of returning: abstaining where the program gives one label to all that it does not know."""

from __future__ import annotations

import ast

from labelwright.core.task import Task
from labelwright.synthesis.repair.names import label_function

_FLIPPED: dict[type[ast.cmpop], type[ast.cmpop]] = {ast.Gt: ast.Lt, ast.Lt: ast.Gt, ast.GtE: ast.Lt, ast.LtE: ast.Gt}


def abstain_instead_of_catch_all(task: Task, tree: ast.Module) -> list[str]:
    """Return None at the end, where the end gives one label to whatever fitted no condition.

    The last of two sides is no catch-all: ``a if x > y else b`` becomes ``a``, ``b`` where x < y, and None.
    """
    function = label_function(tree)
    if function is None or not _returns_before_end(task, function):
        return []
    return _mend_end(task, function.body)


def _mend_end(task: Task, body: list[ast.stmt]) -> list[str]:
    last = body[-1]
    if isinstance(last, ast.If) and last.orelse:
        return _mend_else(task, last)
    if not isinstance(last, ast.Return) or not _is_label(task, last.value):
        return []
    before = body[-2] if len(body) > 1 else None
    flipped = _flipped_test(before) if isinstance(before, ast.If) and not before.orelse else None
    return _abstain(body, last, flipped)


def _mend_else(task: Task, branch: ast.If) -> list[str]:
    while len(branch.orelse) == 1 and isinstance(branch.orelse[0], ast.If):
        branch = branch.orelse[0]
    if len(branch.orelse) != 1:
        return []
    last = branch.orelse[0]
    if not isinstance(last, ast.Return) or not _is_label(task, last.value):
        return []
    return _abstain(branch.orelse, last, _flipped_test(branch))


def _abstain(body: list[ast.stmt], last: ast.Return, flipped: ast.expr | None) -> list[str]:
    none = ast.Return(ast.Constant(None))
    name = ast.unparse(last.value) if last.value else ""
    if flipped is None:
        body[-1:] = [none]
        return [f"returned None, not {name}, where nothing was found"]
    body[-1:] = [ast.If(flipped, [last], []), none]
    return [f"returned None, not {name}, where both sides are equal"]


def _flipped_test(branch: ast.If) -> ast.expr | None:
    """Return the opposite of a comparison of two measured things, without the case that they are equal."""
    test = branch.test
    if not isinstance(test, ast.Compare) or len(test.ops) != 1 or type(test.ops[0]) not in _FLIPPED:
        return None
    left, right = test.left, test.comparators[0]
    if isinstance(left, ast.Constant) or isinstance(right, ast.Constant):
        return None
    return ast.Compare(left, [_FLIPPED[type(test.ops[0])]()], [right])


def _returns_before_end(task: Task, function: ast.FunctionDef) -> bool:
    returned = [
        node.value for node in ast.walk(function) if isinstance(node, ast.Return) and _is_label(task, node.value)
    ]
    return len({ast.unparse(value) for value in returned if value}) > 1


def _is_label(task: Task, value: ast.expr | None) -> bool:
    return isinstance(value, ast.Constant) and value.value in task.labels
