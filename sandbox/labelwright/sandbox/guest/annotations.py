"""Annotations that are text, as all are under ``from __future__ import annotations``.

The library finds out what such a text means by looking into modules by name and by evaluating it. For a program that
means: into the program's own module, with the builtins that programs have, and nothing that code could not reach.
"""

from __future__ import annotations

import dataclasses
import sys
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any

import annotationlib  # type: ignore[import-not-found]  # Python 3.14; hosts may be older

_typing: Any = typing
_dataclasses: Any = dataclasses


def confine(builtins: Mapping[str, Any], check: Callable[[types.CodeType], None]) -> None:
    """Have the library evaluate texts with these builtins, and only code that ``check`` lets pass."""

    def evaluate(
        source: str | types.CodeType,
        globals: Mapping[str, Any] | None = None,  # noqa: A002 (the names that eval has)
        locals: Mapping[str, Any] | None = None,  # noqa: A002
    ) -> Any:
        code = compile(source, "<annotation>", "eval", dont_inherit=True) if isinstance(source, str) else source
        check(code)
        return eval(code, {**(globals or {}), "__builtins__": dict(builtins)}, locals)  # noqa: S307

    annotationlib.eval = evaluate
    annotationlib.builtins = types.SimpleNamespace(**builtins)
    _dataclasses._is_type = _is_type


def make_get_type_hints(names: Mapping[str, Any]) -> Callable[..., dict[str, Any]]:
    """Return ``typing.get_type_hints`` for the program whose module has these names."""

    def get_type_hints(
        obj: Any,
        globalns: Mapping[str, Any] | None = None,
        localns: Mapping[str, Any] | None = None,
        include_extras: bool = False,
    ) -> dict[str, Any]:
        hints = {}
        for owner in reversed(obj.__mro__) if isinstance(obj, type) else (obj,):
            known = {**(vars(owner) if isinstance(owner, type) else {}), **names, **(globalns or {})}
            for name, hint in annotationlib.get_annotations(owner).items():
                if isinstance(hint, str):
                    hint = _typing._make_forward_ref(hint, is_argument=False, is_class=isinstance(owner, type))
                found = _typing._eval_type(hint, known, localns or {}, ())
                hints[name] = type(None) if found is None else found
        return hints if include_extras else {name: _typing._strip_annotations(hint) for name, hint in hints.items()}

    return get_type_hints


def _is_type(annotation: str, cls: type, module: types.ModuleType, _: object, is_it: Callable[..., bool]) -> bool:
    """Whether the text means what ``is_it`` looks for in ``module``: ClassVar, InitVar or KW_ONLY.

    dataclasses itself takes ``typing.ClassVar`` for one only where ``typing`` is the module, and not a copy of it.
    """
    found = _dataclasses._MODULE_IDENTIFIER_RE.match(annotation)
    names = vars(sys.modules[cls.__module__]) if cls.__module__ in sys.modules else {}
    if found and found[1]:
        prefix = names.get(found[1])
        names = vars(module) if isinstance(prefix, types.ModuleType) and prefix.__name__ == module.__name__ else {}
    return bool(found) and is_it(names.get(found[2]), module)
