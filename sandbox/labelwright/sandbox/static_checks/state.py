"""State that outlives a record: top-level code, globals, changed objects. Votes must not depend on earlier records."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator

from labelwright.sandbox.static_checks.rule import (
    ATTRIBUTE,
    DEFAULT,
    GLOBAL,
    PATCHING,
    SET_ORDER,
    TOP_LEVEL,
    Breach,
    Breaches,
)

_PLAIN_TOP_LEVEL = (
    ast.Import,
    ast.ImportFrom,
    ast.Assign,
    ast.AnnAssign,
    ast.AugAssign,
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
    ast.Pass,
)
_MUTABLE = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
_MUTABLE_CALLS = frozenset(("list", "dict", "set", "Counter", "defaultdict", "deque", "OrderedDict", "bytearray"))


def check(tree: ast.Module) -> Breaches:
    """Yield what could carry something from one record to the next, or from one program to another."""
    yield from _check_top_level(tree)
    shared = _shared_names(tree)
    receivers = set(_receivers(tree))
    for node in ast.walk(tree):
        match node:
            case ast.Global(names=names):
                yield Breach(GLOBAL, node.lineno, f"changes the global {', '.join(names)}")
            case ast.FunctionDef() | ast.Lambda():
                yield from _check_defaults(node)
            case ast.Attribute(ctx=ast.Store() | ast.Del()) if id(node) not in receivers:
                yield _attribute_breach(node, shared)
            case ast.For(iter=source) | ast.comprehension(iter=source) if _is_set(source):
                yield Breach(SET_ORDER, source.lineno, "loops over a set")


def _check_top_level(tree: ast.Module) -> Breaches:
    for statement in tree.body:
        if isinstance(statement, _PLAIN_TOP_LEVEL) or _is_docstring(statement) or _is_type_alias(statement):
            continue
        yield Breach(TOP_LEVEL, statement.lineno, f"runs code at the top level: {type(statement).__name__.lower()}")


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _is_type_alias(statement: ast.stmt) -> bool:
    return type(statement).__name__ == "TypeAlias"


def _shared_names(tree: ast.Module) -> set[str]:
    """Return the names of imported things, of the program's functions and classes, and builtins."""
    names = set(dir(builtins))
    for node in ast.walk(tree):
        if isinstance(node, ast.alias):
            names.add((node.asname or node.name).partition(".")[0])
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            names.add(statement.name)
    return names


def _receivers(tree: ast.Module) -> Iterator[int]:
    """Yield the identities of the attributes that methods set or delete on their own object (``self.x``)."""
    waiting: list[tuple[ast.AST, frozenset[str]]] = [(tree, frozenset())]
    while waiting:
        node, own = waiting.pop()
        if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load) and _root(node) in own:
            yield id(node)
        for child in ast.iter_child_nodes(node):
            is_method = isinstance(node, ast.ClassDef) and isinstance(child, ast.FunctionDef) and child.args.args
            waiting.append((child, own | {child.args.args[0].arg} if is_method else own))  # type: ignore[attr-defined]


def _attribute_breach(node: ast.Attribute, shared: set[str]) -> Breach:
    root = _root(node)
    if root in shared:
        return Breach(PATCHING, node.lineno, f"changes {root}.{node.attr}")
    return Breach(ATTRIBUTE, node.lineno, f"changes the attribute {node.attr} of an object")


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _check_defaults(function: ast.FunctionDef | ast.Lambda) -> Breaches:
    for default in (*function.args.defaults, *function.args.kw_defaults):
        if isinstance(default, _MUTABLE) or (isinstance(default, ast.Call) and _root(default.func) in _MUTABLE_CALLS):
            yield Breach(DEFAULT, default.lineno, "a default value can be changed by a call and stays changed")


def _is_set(source: ast.expr) -> bool:
    if isinstance(source, ast.Call) and isinstance(source.func, ast.Name):
        return source.func.id in ("set", "frozenset")
    return isinstance(source, ast.Set | ast.SetComp)
