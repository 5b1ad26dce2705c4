"""What decided a vote: the lines of the program that ran, and what its names held when it answered.

Slow, and off the path of ordinary votes. A trace sees the program's own file and nothing of the library.
"""

from __future__ import annotations

import re
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_MOST_LINES = 400
_MOST_VALUES = 12
_MOST_ITEMS = 6
_LENGTH = 80
_DEPTH = 2


class Trace:
    """Watches one call of a program's ``label``: ``lines`` in the order in which each first ran."""

    def __init__(self, file: str, code: types.CodeType) -> None:
        """``file`` is what the program's code is compiled as, ``code`` that of its function ``label``."""
        self._file, self._code = file, code
        self.lines: dict[int, None] = {}
        self.line = 0
        """Where ``label`` ended last: with the vote, or with an error."""
        self.values: dict[str, str] = {}

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch what is called inside."""
        sys.settrace(self._entered)
        try:
            yield
        finally:
            sys.settrace(None)

    def _entered(self, frame: types.FrameType, _event: str, _argument: object) -> Callable[..., Any] | None:
        return self._went_on if frame.f_code.co_filename == self._file else None

    def _went_on(self, frame: types.FrameType, event: str, _argument: object) -> Callable[..., Any]:
        if event == "line" and len(self.lines) < _MOST_LINES:
            self.lines.setdefault(frame.f_lineno)
        elif event == "return" and frame.f_code is self._code:
            self.line = frame.f_lineno
            arguments = self._code.co_varnames[: self._code.co_argcount]
            shown = ((name, _shown(value)) for name, value in frame.f_locals.items() if name not in arguments)
            self.values = {name: text for name, text in list(shown)[:_MOST_VALUES] if text}
        return self._went_on


def _shown(value: Any, depth: int = _DEPTH) -> str:
    """Return a short text for a plain value, and none for one whose class is the program's: it could say anything."""
    kind = type(value)
    if kind in (float, bool, types.NoneType) or (kind is int and value.bit_length() < _LENGTH):
        return repr(value)
    if kind is str:
        return repr(value[:_LENGTH])
    if kind is re.Match:
        return _shown(value.group())
    if kind not in (list, tuple, set, frozenset, dict) or not depth:
        return ""
    if kind is dict:
        items = [f"{_part(key, depth)}: {_part(item, depth)}" for key, item in list(value.items())[:_MOST_ITEMS]]
    else:
        items = [_part(item, depth) for item in list(value)[:_MOST_ITEMS]]
    more = ", ..." if len(value) > _MOST_ITEMS else ""
    opening, closing = "[]" if kind is list else "()" if kind is tuple else "{}"
    return f"{opening}{', '.join(items)}{more}{closing}"


def _part(value: Any, depth: int) -> str:
    return _shown(value, depth - 1) or "..."
