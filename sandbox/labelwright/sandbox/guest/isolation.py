"""The module that a program runs as: its own builtins, and its own copies of the modules that it may import.

This keeps well-meant programs apart from each other. It is not what protects the host: that is the component,
which imports nothing at all.
"""

from __future__ import annotations

import builtins
import importlib
import operator
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any

from .allowed import HIDDEN_BUILTINS, MODULES, OMITTED, is_reaching
from .annotations import confine, make_get_type_hints

_LAZY = (
    "_strptime",
    "bisect",
    "calendar",
    "encodings.ascii",
    "encodings.cp1252",
    "encodings.idna",
    "encodings.latin_1",
    "encodings.punycode",
    "encodings.unicode_escape",
    "encodings.utf_16",
    "encodings.utf_16_be",
    "encodings.utf_16_le",
    "encodings.utf_32",
    "encodings.utf_8_sig",
    "inspect",
    "locale",
    "stringprep",
)
"""What the modules above import only once a function is called; at run time that would be too late."""

_ORIGINALS = {name: importlib.import_module(name) for name in MODULES}
for _name in _LAZY:
    importlib.import_module(_name)


def make_module(name: str) -> types.ModuleType:
    """Return a fresh module for one program."""
    # The prefix keeps a program named like a module ("re") out of what dataclasses and enum find by module name.
    module = types.ModuleType(f"programs.{name}")
    vars(module)["__builtins__"] = _own_builtins() | {"__import__": _Importer(vars(module))}
    return module


def _own_builtins() -> dict[str, Any]:
    own = {key: value for key, value in vars(builtins).items() if key not in HIDDEN_BUILTINS}
    return own | {"getattr": _getattr, "hasattr": _hasattr, "print": _print, "__debug__": True}


class _Importer:
    """Stands in for ``__import__``: hands out this program's copies of the allowed modules."""

    def __init__(self, names: Mapping[str, Any]) -> None:
        """``names`` are those of the program's module."""
        self._names = names
        self._copies: dict[str, types.ModuleType] = {}

    def __call__(
        self,
        name: str,
        _globals: Mapping[str, object] | None = None,
        _locals: Mapping[str, object] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> types.ModuleType:
        if level or name not in _ORIGINALS:
            raise ImportError(f"a program cannot import {name!r}")
        top = self._copy(name.partition(".")[0])
        return self._copy(name) if fromlist else top

    def _copy(self, name: str) -> types.ModuleType:
        if name not in self._copies:
            original = _ORIGINALS[name]
            copied = types.ModuleType(name, original.__doc__)
            vars(copied).update(_offered(original, self._names))
            self._copies[name] = copied
            for other in _ORIGINALS:
                parent, _, child = other.rpartition(".")
                if parent == name:
                    setattr(copied, child, self._copy(other))
        return self._copies[name]


def _offered(module: types.ModuleType, names: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of a module's namespace, less its own imports (re.enum ...), tables copied."""
    omitted = OMITTED.get(module.__name__, frozenset())
    offered = {
        name: value.copy() if type(value) in (dict, list, set) else value
        for name, value in vars(module).items()
        if not isinstance(value, types.ModuleType) and name not in omitted
    }
    if module is operator:
        offered |= {"attrgetter": _attrgetter, "methodcaller": _methodcaller}
    if module is typing:
        offered["get_type_hints"] = make_get_type_hints(names)
    return offered


def check_code(code: types.CodeType) -> None:
    """Raise AttributeError where compiled code reaches for the interpreter's insides by name."""
    for name in code.co_names:
        _allowed(name)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            check_code(constant)
        elif type(constant) is tuple:
            # A class pattern keeps the attributes that it looks at in a tuple.
            for item in constant:
                if type(item) is str:
                    _allowed(item)


def _allowed(name: object) -> str:
    if type(name) is not str or is_reaching(name):
        raise AttributeError(f"a program cannot reach for {name!r}")
    return name


def _getattr(value: object, name: str, *default: object) -> object:
    return getattr(value, _allowed(name), *default)


def _hasattr(value: object, name: str) -> bool:
    return hasattr(value, _allowed(name))


def _attrgetter(*names: str) -> operator.attrgetter[Any]:
    for name in names:
        for part in name.split("."):
            _allowed(part)
    return operator.attrgetter(*names)


def _methodcaller(name: str, /, *arguments: object, **keywords: object) -> operator.methodcaller:
    return operator.methodcaller(_allowed(name), *arguments, **keywords)


def _print(*_: object, **__: object) -> None:
    """Nothing reads what a program prints."""


confine(_own_builtins(), check_code)
