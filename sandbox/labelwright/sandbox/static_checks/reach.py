"""What a program must not reach for: modules, builtins, the interpreter's internals, the clock."""

from __future__ import annotations

import ast
import re

from labelwright.sandbox.guest.allowed import HIDDEN_BUILTINS, MODULES, is_forbidden_dunder, is_frame_attribute
from labelwright.sandbox.static_checks.rule import BUILTIN, CLOCK, DUNDER, IMPORT, INSIDES, Breach, Breaches

_DUNDER_IN_FORMAT = re.compile(r"\{[^{}]*[.\[]__\w+__")
_BY_NAME = frozenset(("getattr", "hasattr", "attrgetter", "methodcaller"))
_CLOCK_MODULES = frozenset(("time", "random", "secrets", "uuid"))
_CLOCK_METHODS = frozenset(("now", "today", "utcnow"))


def check(tree: ast.Module) -> Breaches:
    """Yield each place where a program reaches for something forbidden."""
    own = _own_names(tree)
    has_dates = any(_imports(node, "datetime") for node in ast.walk(tree))
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=aliases):
                for alias in aliases:
                    yield from _check_module(node, alias.name)
            case ast.ImportFrom():
                yield from _check_module(node, "." * node.level + (node.module or ""))
            case ast.Name(id=name) if is_forbidden_dunder(name):
                yield Breach(DUNDER, node.lineno, f"uses {name}")
            case ast.Name(id=name) if name in HIDDEN_BUILTINS and name not in own:
                yield Breach(BUILTIN, node.lineno, f"uses {name}, which programs do not have")
            case ast.Attribute(attr=name):
                yield from _check_attribute(node.lineno, name, has_dates)
            case ast.MatchClass(kwd_attrs=names):
                for name in names:
                    yield from _check_attribute(node.lineno, name, has_dates)
            case ast.Call():
                yield from _check_names_in_call(node)
            case ast.Constant(value=str(text)) if _DUNDER_IN_FORMAT.search(text):
                yield Breach(DUNDER, node.lineno, "a format string reaches for a name with two underscores")


def _own_names(tree: ast.Module) -> set[str]:
    names = set()
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                names.add(name)
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.alias(name=name, asname=asname):
                names.add(asname or name)
    return names


def _imports(node: ast.AST, module: str) -> bool:
    if isinstance(node, ast.ImportFrom):
        return node.module == module
    return isinstance(node, ast.Import) and any(alias.name == module for alias in node.names)


def _check_module(node: ast.stmt, name: str) -> Breaches:
    if name in _CLOCK_MODULES:
        yield Breach(CLOCK, node.lineno, f"imports {name}")
    elif name not in MODULES:
        yield Breach(IMPORT, node.lineno, f"imports {name}, which programs do not have")


def _check_attribute(line: int, name: str, has_dates: bool) -> Breaches:
    if is_forbidden_dunder(name):
        yield Breach(DUNDER, line, f"reaches for {name}")
    elif is_frame_attribute(name):
        yield Breach(INSIDES, line, f"reaches for {name}")
    elif has_dates and name in _CLOCK_METHODS:
        yield Breach(CLOCK, line, f"asks the clock: {name}")


def _check_names_in_call(node: ast.Call) -> Breaches:
    called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
    if called not in _BY_NAME:
        return
    for argument in node.args:
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            for name in argument.value.split("."):
                yield from _check_attribute(argument.lineno, name, has_dates=False)
