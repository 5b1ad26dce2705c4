"""What a program reaches for: modules, builtins, the interpreter's insides, the clock."""

from __future__ import annotations

import ast
import re

from assay.sandbox.guest.allowed import HIDDEN_BUILTINS, MODULES
from assay.sandbox.static_checks.rule import BUILTIN, CLOCK, DUNDER, IMPORT, INSIDES, Breach, Breaches

_ALLOWED_DUNDERS = frozenset(
    (
        "__all__",
        "__author__",
        "__contains__",
        "__doc__",
        "__eq__",
        "__getitem__",
        "__hash__",
        "__init__",
        "__iter__",
        "__len__",
        "__lt__",
        "__match_args__",
        "__name__",
        "__new__",
        "__post_init__",
        "__repr__",
        "__slots__",
        "__str__",
        "__version__",
    )
)
_FRAMES = re.compile(
    r"(gi|cr|ag|tb|f)_(frame|code|back|globals|locals|builtins|next|trace|yieldfrom|await)|func_globals"
)
_DUNDER = re.compile(r"__\w+__")
_DUNDER_IN_FORMAT = re.compile(r"\{[^{}]*[.\[]__\w+__")
_BY_NAME = frozenset(("getattr", "hasattr", "attrgetter", "methodcaller"))
_CLOCK_MODULES = frozenset(("time", "random", "secrets", "uuid"))
_CLOCK_METHODS = frozenset(("now", "today", "utcnow"))


def check(tree: ast.Module) -> Breaches:
    """Yield what a program reaches for and must not."""
    own = _own_names(tree)
    dated = any(_imports(node, "datetime") for node in ast.walk(tree))
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=aliases):
                for alias in aliases:
                    yield from _check_module(node, alias.name)
            case ast.ImportFrom():
                yield from _check_module(node, "." * node.level + (node.module or ""))
            case ast.Name(id=name) if _is_forbidden_dunder(name):
                yield Breach(DUNDER, node.lineno, f"uses {name}")
            case ast.Name(id=name) if name in HIDDEN_BUILTINS and name not in own:
                yield Breach(BUILTIN, node.lineno, f"uses {name}, which programs do not have")
            case ast.Attribute():
                yield from _check_attribute(node, dated)
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


def _check_attribute(node: ast.Attribute, dated: bool) -> Breaches:
    if _is_forbidden_dunder(node.attr):
        yield Breach(DUNDER, node.lineno, f"reaches for {node.attr}")
    elif _FRAMES.fullmatch(node.attr):
        yield Breach(INSIDES, node.lineno, f"reaches for {node.attr}")
    elif dated and node.attr in _CLOCK_METHODS:
        yield Breach(CLOCK, node.lineno, f"asks the clock: {node.attr}")


def _check_names_in_call(node: ast.Call) -> Breaches:
    called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
    if called not in _BY_NAME:
        return
    for argument in node.args:
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            for name in argument.value.split("."):
                if _is_forbidden_dunder(name):
                    yield Breach(DUNDER, argument.lineno, f"{called} reaches for {name}")
                elif _FRAMES.fullmatch(name):
                    yield Breach(INSIDES, argument.lineno, f"{called} reaches for {name}")


def _is_forbidden_dunder(name: str) -> bool:
    return bool(_DUNDER.fullmatch(name)) and name not in _ALLOWED_DUNDERS
