"""What programs may use: the guest enforces it, the static checks explain it. Plain names, nothing imported."""

from __future__ import annotations

import re

MODULES = (
    "__future__",
    "abc",
    "base64",
    "binascii",
    "bisect",
    "collections",
    "collections.abc",
    "copy",
    "dataclasses",
    "datetime",
    "decimal",
    "difflib",
    "enum",
    "fractions",
    "functools",
    "hashlib",
    "heapq",
    "html",
    "html.entities",
    "html.parser",
    "ipaddress",
    "itertools",
    "json",
    "json.decoder",
    "math",
    "numbers",
    "operator",
    "re",
    "statistics",
    "string",
    "struct",
    "textwrap",
    "typing",
    "unicodedata",
    "urllib",
    "urllib.parse",
)
"""What a program may import."""

HIDDEN_BUILTINS = frozenset(
    (
        "__import__",
        "__loader__",
        "__spec__",
        "breakpoint",
        "compile",
        "copyright",
        "credits",
        "delattr",
        "dir",
        "eval",
        "exec",
        "exit",
        "globals",
        "help",
        "id",
        "input",
        "license",
        "locals",
        "open",
        "quit",
        "setattr",
        "vars",
    )
)
"""Builtins that programs do not get: none is needed for labeling, and each reaches beyond the program or its record."""

HARMLESS_DUNDERS = frozenset(
    (
        "__all__",
        "__annotations__",
        "__author__",
        "__contains__",
        "__debug__",
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
"""Names with two underscores at both ends that programs use, and that are harmless."""

_REACHING_DUNDERS = frozenset(
    (
        "__base__",
        "__bases__",
        "__builtins__",
        "__class__",
        "__closure__",
        "__code__",
        "__dict__",
        "__func__",
        "__getattribute__",
        "__globals__",
        "__import__",
        "__loader__",
        "__mro__",
        "__reduce__",
        "__reduce_ex__",
        "__self__",
        "__spec__",
        "__subclasses__",
        "__traceback__",
    )
)

OMITTED = {
    "string": frozenset(("Formatter",)),
    "typing": frozenset(("ForwardRef", "evaluate_forward_ref")),
}
"""What a program's copies of modules lack, because it reads text as names or code."""

_DUNDER = re.compile(r"__\w+__")
_FRAME = re.compile(
    r"(gi|cr|ag|tb|f)_(frame|code|back|globals|locals|builtins|next|trace|yieldfrom|await)|func_globals"
)


def is_forbidden_dunder(name: str) -> bool:
    """Whether the name leads from a value to the interpreter's insides."""
    return bool(_DUNDER.fullmatch(name)) and name not in HARMLESS_DUNDERS


def is_reaching(name: str) -> bool:
    """Whether the guest refuses the name: it leads further, and no program defines it for its own classes."""
    return name in _REACHING_DUNDERS or is_frame_attribute(name)


def is_frame_attribute(name: str) -> bool:
    """Whether the name leads from a generator or an error to the frames that run it."""
    return bool(_FRAME.fullmatch(name))
