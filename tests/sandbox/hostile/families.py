"""Hostile programs that come in families: what each member tries differs in a name or an expression only.

A family is (what is expected of each member, as in the first line of the files beside this one; its members' sources).
docs/hostile.md says what each family tries and what stops it.
"""

from __future__ import annotations

Family = tuple[str, dict[str, str]]

_REACHING = ("class", "code", "dict", "globals", "mro", "reduce_ex", "subclasses")
_BY_NAME = {
    "getattr": "getattr(label, {name})",
    "hasattr": "hasattr(label, {name})",
    "attrgetter": "operator.attrgetter('upper.' + {name})(text)",
    "methodcaller": "operator.methodcaller({name})(label)",
}
_MODULES = (
    "_thread asyncio builtins concurrent.futures gc importlib inspect io marshal multiprocessing pathlib pickle posix "
    "runpy select shutil signal sqlite3 subprocess sys tempfile traceback types weakref zipfile"
).split()
_CLOCKS = ("random", "secrets", "time", "uuid")
_BUILTINS = {
    "breakpoint": "breakpoint()",
    "compile": "compile('1', 'x', 'eval')",
    "delattr": "delattr(label, 'kept')",
    "dir": "dir(text)",
    "exit": "exit()",
    "globals": "globals()",
    "id": "id(text)",
    "input": "input()",
    "locals": "locals()",
    "setattr": "setattr(label, 'kept', text)",
    "vars": "vars(label)",
}
_RESULTS = {
    "bytes": "b'spam'",
    "bytearray": "bytearray(b'spam')",
    "capitals": "'spam'.upper()",
    "class": "str",
    "complex": "1j",
    "dict": "{'spam': 'ham'}",
    "ellipsis": "...",
    "false": "bool()",
    "full_width": "'spa' + chr(0xff4d)",
    "infinity": "float('inf')",
    "itself": "label",
    "huge_integer": "1 << 50_000",
    "lying_class": "type('Kind', (type,), {'__name__': property(lambda self: 1 / 0)})('Lie', (), {})()",
    "joined": "'spam' + 'ham'",
    "not_implemented": "NotImplemented",
    "nul": "'spam' + chr(0)",
    "set": "{'spam'}",
    "space": "'spam' + ' '",
    "subclass": "type('Label', (str,), {})('spam')",
    "surrogate": "'spam' + chr(0xd800)",
    "tuple": "('spam',)",
}
_ENDLESS = {
    "all": "all(itertools.repeat(1))",
    "count": "sum(itertools.count())",
    "deque": "collections.deque(itertools.count(), maxlen=1)",
    "filter": "next(filter(None, itertools.repeat(0)))",
    "in": "'' in itertools.repeat('a')",
    "maximum": "max(itertools.cycle('ab'))",
    "merged": "sum(heapq.merge(itertools.count(), itertools.count()))",
    "reduced": "functools.reduce(max, itertools.cycle('ab'))",
    "search": "re.search('(?:a|a)*b', 'a' * 60)",
    "strict": "dict(zip(itertools.repeat(1), itertools.repeat(2)))",
}
_MEMORY = {
    "bytes": "bytes(1 << 30)",
    "cells": "[0] * (1 << 28)",
    "expanded": "'\\t'.expandtabs(1 << 30)",
    "filled": "text.zfill(1 << 30)",
    "formatted": "format(1, '1000000000')",
    "joined": "'x'.join([text] * (1 << 26))",
    "justified": "text.center(1 << 30)",
    "listed": "list(range(1 << 27))",
    "packed": "struct.pack('1000000000x')",
    "percent": "'%1000000000d' % 1",
    "replaced": "('a' * 20_000).replace('a', 'b' * 20_000)",
    "shifted": "1 << (1 << 32)",
    "translated": "('a' * 50_000).translate({97: 'b' * 50_000})",
}
_DEEP = {
    "compared": "nested(list, 1) == nested(list, 1)",
    "copied": "copy.deepcopy(nested(list, 1))",
    "dumped": "json.dumps(nested(list, 1))",
    "hashed": "hash(nested(tuple, 1))",
    "itself": "label(text)",
    "repeated": "repr(nested(list, 1))",
}
_RAISED = {
    "assertion": "AssertionError(text)",
    "cancelled": "type('Cancelled', (BaseException,), {})()",
    "generator_exit": "GeneratorExit",
    "group": "BaseExceptionGroup('many', [SystemExit(), KeyboardInterrupt()])",
    "interrupt": "KeyboardInterrupt(text)",
    "lying_name": "type('Kind', (type,), {'__name__': 'ValueError'})('Lie', (Exception,), {})()",
    "memory_like": "type('MemoryError', (Exception,), {})()",
    "name_that_raises": "type(type('Name', (str,), {'__str__': lambda self: 1 / 0})('Odd'), (Exception,), {})()",
    "class_that_raises": "type('Odd', (Exception,), {'__cla' + 'ss__': property(lambda self: 1 / 0)})()",
    "text_of_another_kind": "type('Odd', (Exception,), {'__str__': type('T', (str,), {'encode': None})})('x')",
    "mute": "type('Mute', (Exception,), {'__str__': lambda self: None})()",
    "nothing": "None",
    "odd_name": "type('\\n\\0\\u202e', (Exception,), {})()",
    "quick_exit": "SystemExit(0)",
    "stop": "StopIteration",
    "syntax": "SyntaxError('no', ('programs/hostile.py', -5, 1, 'x'))",
}
_TOP_LEVEL = {
    "assertion": "assert False",
    "bytes": "KEPT = bytes(1 << 30)",
    "deep": "f = lambda: f()\nf()",
    "exit": "raise SystemExit",
    "interrupt": "raise KeyboardInterrupt",
    "name": "MISSING",
    "odd_bytes": "b'\\xff'.decode()",
    "unpacked": "a, b = 1",
    "zero": "1 / 0",
}


def _reaching() -> dict[str, str]:
    """Built of two parts, so that no name with two underscores stands in the source."""
    return {
        f"{way}_{name}": _label(expression.format(name=f"'__{name[:2]}' + '{name[2:]}__'"), "operator")
        for way, expression in _BY_NAME.items()
        for name in _REACHING
    }


def _label(expression: str, *modules: str) -> str:
    imports = "".join(f"import {module}\n" for module in modules)
    return f"{imports}\n\ndef label(text):\n    return {expression}\n"


def _labels(expressions: dict[str, str], *modules: str) -> dict[str, str]:
    return {name: _label(expression, *modules) for name, expression in expressions.items()}


def _importing(modules: tuple[str, ...] | list[str]) -> dict[str, str]:
    return {name: f"def label(text):\n    import {name}\n    return 'spam'\n" for name in modules}


_NESTED = (
    "def nested(kind, value):\n    for _ in range(100_000):\n        value = kind((value,))\n    return value\n\n\n"
)

FAMILIES: dict[str, Family] = {
    "reaching": ("RAISED", _reaching()),
    "modules": ("RAISED, LW210", _importing(_MODULES)),
    "clocks": ("RAISED, LW214", _importing(_CLOCKS)),
    "builtins": ("RAISED, LW212", _labels(_BUILTINS)),
    "results": ("INVALID_RESULT", _labels(_RESULTS)),
    "endless": ("TIMEOUT", _labels(_ENDLESS, "collections", "functools", "heapq", "itertools", "re")),
    "memory": ("MEMORY", _labels(_MEMORY, "struct")),
    "deep": ("STACK", {name: _NESTED + source for name, source in _labels(_DEEP, "copy", "json").items()}),
    "raised": ("RAISED", {name: f"def label(text):\n    raise {what}\n" for name, what in _RAISED.items()}),
    "top_level": ("load", {name: f"{what}\n\n\n{_label('None')}" for name, what in _TOP_LEVEL.items()}),
}
