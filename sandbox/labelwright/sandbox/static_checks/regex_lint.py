"""The regular expressions in a program's text: that they compile, and that they do not blow up."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from labelwright.sandbox.static_checks.backtracking import Blowup, find_blowup
from labelwright.sandbox.static_checks.constants import string_constants
from labelwright.sandbox.static_checks.rule import REGEX_EXPONENTIAL, REGEX_SLOW, REGEX_SYNTAX, Breach, Breaches

_FUNCTIONS = frozenset(("compile", "search", "match", "fullmatch", "findall", "finditer", "sub", "subn", "split"))
_MOST_CHARACTERS = 512 << 10
"""Of all patterns together that are looked at: by names, a small program can put together any number."""
_NEWER = "bad escape \\z"
"""How Pythons before 3.14 refuse a pattern that the sandbox's Python takes."""


def check(tree: ast.Module) -> Breaches:
    """Yield what is wrong with the literal patterns."""
    for line, pattern, flags in _patterns(tree):
        try:
            blowup = find_blowup(pattern, flags)
        except (re.error, ValueError, OverflowError) as error:
            if not str(error).startswith(_NEWER):
                yield Breach(REGEX_SYNTAX, line, f"the pattern {_shown(pattern)} does not compile: {error}")
            continue
        except RecursionError:
            yield Breach(REGEX_SYNTAX, line, f"the pattern {_shown(pattern)} is nested too deeply")
            continue
        if blowup is Blowup.EXPONENTIAL:
            yield Breach(REGEX_EXPONENTIAL, line, f"the pattern {_shown(pattern)} takes exponential time on some texts")
        elif blowup is Blowup.POLYNOMIAL:
            yield Breach(REGEX_SLOW, line, f"the pattern {_shown(pattern)} takes quadratic time on some texts")


def _patterns(tree: ast.Module) -> Iterator[tuple[int, str, int]]:
    constants = string_constants(tree)
    characters_left = _MOST_CHARACTERS
    modules, functions = {"re"}, set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules |= {alias.asname for alias in node.names if alias.name == "re" and alias.asname}
        elif isinstance(node, ast.ImportFrom) and node.module == "re":
            functions |= {alias.asname or alias.name for alias in node.names if alias.name in _FUNCTIONS}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args and _is_regex_call(node.func, modules, functions):
            pattern = _text(node.args[0], constants, characters_left)
            if pattern is not None:
                characters_left -= len(pattern)
                yield node.lineno, pattern, _flags(node)


def _is_regex_call(function: ast.expr, modules: set[str], functions: set[str]) -> bool:
    match function:
        case ast.Attribute(value=ast.Name(id=module), attr=name):
            return module in modules and name in _FUNCTIONS
        case ast.Name(id=name):
            return name in functions
    return False


def _text(value: ast.expr, constants: dict[str, str], longest: int) -> str | None:
    """Return the text that the value is, None where that cannot be read, or is too long.

    Without recursion: a chain of ``+`` is as deep as it is long.
    """
    parts: list[str] = []
    waiting = [value]
    while waiting:
        match waiting.pop():
            case ast.Constant(value=str(text)):
                parts.append(text)
            case ast.Name(id=name) if name in constants:
                parts.append(constants[name])
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                waiting += [right, left]
            case _:
                return None
    return "".join(parts) if sum(map(len, parts)) <= longest else None


def _flags(call: ast.Call) -> int:
    """Return the flags that are named anywhere in the call's further arguments."""
    flags = 0
    for argument in (*call.args[1:], *(keyword.value for keyword in call.keywords)):
        for node in ast.walk(argument):
            name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
            flag = getattr(re.RegexFlag, name, None) if name.isupper() else None
            flags |= flag.value if isinstance(flag, re.RegexFlag) else 0
    return flags & ~re.DEBUG.value


def _shown(pattern: str) -> str:
    return ascii(pattern if len(pattern) <= 60 else f"{pattern[:57]}...")
