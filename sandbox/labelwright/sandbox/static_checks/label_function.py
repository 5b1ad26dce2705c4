"""The function ``label``: that it is there, takes fields, and returns labels."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from labelwright.core.task import Task
from labelwright.sandbox.static_checks.constants import string_constants
from labelwright.sandbox.static_checks.rule import (
    DOCSTRING,
    NO_LABEL,
    NOT_PLAIN,
    PARAMETER,
    RESULT,
    TWICE,
    Breach,
    Breaches,
)

_NAME = "label"
_NESTED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)


def check(task: Task, tree: ast.Module) -> Breaches:
    """Yield what is wrong with ``label``."""
    definitions = list(_bindings(tree))
    if not definitions:
        yield Breach(NO_LABEL, 0, "there is no function label")
        return
    for earlier in definitions[:-1]:
        yield Breach(TWICE, earlier.lineno, "label is defined more than once")
    function = definitions[-1]
    if not isinstance(function, ast.FunctionDef):
        yield Breach(NOT_PLAIN, function.lineno, "label is not a plain function")
        return
    yield from _check_kind(function)
    yield from _check_parameters(task, function)
    yield from _check_results(task, tree, function)
    if not ast.get_docstring(function) and not ast.get_docstring(tree):
        yield Breach(DOCSTRING, function.lineno, "label has no docstring")


def _bindings(tree: ast.Module) -> Iterator[ast.stmt]:
    """Yield the top-level statements that give the name ``label`` a meaning."""
    for statement in tree.body:
        match statement:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names = {name}
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                names = {alias.asname or alias.name for alias in aliases}
            case _:
                stored = (node for node in ast.walk(statement) if isinstance(node, ast.Name | ast.FunctionDef))
                names = {
                    node.name if isinstance(node, ast.FunctionDef) else node.id
                    for node in stored
                    if isinstance(node, ast.FunctionDef) or isinstance(node.ctx, ast.Store)
                }
        if _NAME in names:
            yield statement


def _check_kind(function: ast.FunctionDef) -> Breaches:
    for decorator in function.decorator_list:
        yield Breach(NOT_PLAIN, decorator.lineno, "label has a decorator")
    for node in own_nodes(function):
        if isinstance(node, ast.Yield | ast.YieldFrom):
            yield Breach(NOT_PLAIN, node.lineno, "label is a generator: it yields where it should return")
            return


def _check_parameters(task: Task, function: ast.FunctionDef) -> Breaches:
    arguments = function.args
    for special in (arguments.vararg, arguments.kwarg, *arguments.kwonlyargs):
        if special is not None:
            yield Breach(PARAMETER, special.lineno, f"label takes {special.arg!r} by * or **")
    for argument in (*arguments.posonlyargs, *arguments.args):
        if argument.arg not in task.fields:
            fields = ", ".join(task.fields)
            yield Breach(PARAMETER, argument.lineno, f"label asks for {argument.arg!r}; the task has: {fields}")


def _check_results(task: Task, tree: ast.Module, function: ast.FunctionDef) -> Breaches:
    constants = string_constants(tree)
    for node in own_nodes(function):
        if isinstance(node, ast.Return) and node.value is not None:
            for value in _outcomes(node.value):
                result = constants.get(value.id) if isinstance(value, ast.Name) else getattr(value, "value", None)
                if isinstance(value, ast.Constant | ast.Name) and result is not None and result not in task.labels:
                    labels = ", ".join(task.label_names[:20])
                    yield Breach(RESULT, value.lineno, f"returns {ascii(result)[:80]}; the task's labels: {labels}")


def _outcomes(value: ast.expr) -> Iterator[ast.expr]:
    """Yield what the value can be, in order. Without recursion: a chain of choices is as deep as it is long."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, ast.IfExp):
            waiting += [part.orelse, part.body]
        else:
            yield part


def own_nodes(function: ast.FunctionDef) -> Iterator[ast.AST]:
    """Yield the nodes of a function's body, but not those of functions and classes inside it."""
    waiting: list[ast.AST] = list(reversed(function.body))
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, _NESTED):
            waiting.extend(reversed(list(ast.iter_child_nodes(node))))
