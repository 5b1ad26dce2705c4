"""The module that a program runs as: its own builtins, and its own copies of the modules that it may import.

This keeps well-meant programs apart from each other. It is not what protects the host: that is the component,
which imports nothing at all.
"""

from __future__ import annotations

import builtins
import encodings
import importlib
import operator
import sys
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any

from .allowed import HIDDEN_BUILTINS, MODULES, OMITTED, is_reaching
from .annotations import confine, make_get_type_hints

_CODECS = (
    "ascii charmap hex_codec idna koi8_r koi8_u latin_1 mac_roman punycode raw_unicode_escape unicode_escape "
    "utf_7 utf_8_sig utf_16 utf_16_be utf_16_le utf_32 utf_32_be utf_32_le "
    "cp437 cp850 cp1250 cp1251 cp1252 cp1253 cp1254 cp1255 cp1256 cp1257 cp1258 "
    "iso8859_1 iso8859_2 iso8859_3 iso8859_4 iso8859_5 iso8859_6 iso8859_7 iso8859_8 iso8859_9 iso8859_10 "
    "iso8859_11 iso8859_13 iso8859_14 iso8859_15 iso8859_16"
).split()
_LAZY = (
    *("_ast_unparse", "_pylong", "_strptime", "bisect", "calendar", "contextlib", "inspect", "locale", "stringprep"),
    "time",
    *(f"encodings.{name}" for name in _CODECS),
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
        if type(fromlist) is list and name in sys.modules:
            # Not the program asks but the library's C code, which takes the module from sys.modules afterwards.
            return types.ModuleType(name)
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


def _import_loaded(name: str, *_: object, **__: object) -> types.ModuleType:
    """Stands in for ``__import__`` where codecs are looked up: a file could not be read any more."""
    if name not in sys.modules:
        raise ImportError(f"the sandbox has no module {name!r}")
    return sys.modules[name]


confine(_own_builtins(), check_code)
vars(encodings)["__import__"] = _import_loaded
