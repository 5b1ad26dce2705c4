"""One loaded program: its source becomes a function of packed values, whose results become votes."""

from __future__ import annotations

import base64
import contextlib
import contextvars
import inspect
import sys
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from .isolation import check_code, make_module
from .tracing import Trace

Record = list[Any]

FIRST = 48
"""Code point of vote 0; see labeling.wit."""
ABSTAIN, RAISED, INVALID_RESULT, STACK = (chr(FIRST + vote) for vote in (-1, -2, -3, -6))
_MESSAGE_LENGTH = 300
_NAME_LENGTH = 100
_SHOWN_BITS = 1000
_CLASS_NAME = vars(type)["__name__"].__get__
_NOT_PLAIN = (
    inspect.CO_VARARGS
    | inspect.CO_VARKEYWORDS
    | inspect.CO_GENERATOR
    | inspect.CO_COROUTINE
    | inspect.CO_ASYNC_GENERATOR
)


class LoadError(Exception):
    """A program cannot be used. ``kind`` is an exception's name, ``line`` is 0 where there is none."""

    def __init__(self, kind: str, message: str, line: int) -> None:
        super().__init__(message)
        self.kind, self.message, self.line = kind, message, line


class LoadedProgram:
    """A program that is ready to vote. ``message`` says what went wrong first in the present batch."""

    def __init__(self, name: str, source: str, fields: Sequence[Mapping[str, Any]], labels: Mapping[str, str]) -> None:
        """``labels`` maps a label to its character. Raises LoadError."""
        self._file = f"programs/{name}.py"
        self._labels = labels
        self.message = ""
        # What a program sets for its thread (the decimal context) must not reach the others.
        self._context = contextvars.Context()
        self._module = make_module(name)
        self._module_name = self._module.__name__
        try:
            code = compile(source, self._file, "exec", dont_inherit=True)
            check_code(code)
            with self._importable():
                self._context.run(exec, code, vars(self._module))
        except MemoryError:
            # The parser's stack is used up; where memory is, the instance has ended.
            raise LoadError("SyntaxError", "nested too deeply", 0) from None
        except BaseException as error:
            raise LoadError(_name(error), _text(error), self._line(error)) from None
        self._function = _find_label(vars(self._module))
        self._readers = _readers(self._function, fields)

    def vote(self, records: Sequence[Record]) -> list[str]:
        """Return one character a record."""
        self.message = ""
        with self._importable():
            return self._context.copy().run(self._vote, records)

    def trace(self, record: Record) -> dict[str, Any]:
        """Return the vote on one record and what decided it; see labeling.wit."""
        trace = Trace(self._file, self._function.__code__)
        with trace.watching():
            (vote,) = self.vote([record])
        return {"vote": vote, "line": trace.line, "lines": list(trace.lines), "values": trace.values}

    @contextlib.contextmanager
    def _importable(self) -> Iterator[None]:
        """Let the library find the program's module by its name while the program runs, and no other program's."""
        sys.modules[self._module_name] = self._module
        try:
            yield
        finally:
            sys.modules.pop(self._module_name, None)

    def _vote(self, records: Sequence[Record]) -> list[str]:
        function, labels, readers = self._function, self._labels, self._readers
        votes = []
        for record in records:
            try:
                result = function(*[read(record) for read in readers])
                # A subclass of str could lie about its equality and its hash.
                if result is None:
                    vote = ABSTAIN
                elif type(result) is str and result in labels:
                    vote = labels[result]
                else:
                    vote = self._invalid(result)
            except BaseException as error:
                vote = self._failed(error)
            votes.append(vote)
        return votes

    def _invalid(self, result: object) -> str:
        if not self.message:
            self.message = f"returned {_shown(result)}, which is neither a label nor None"
        return INVALID_RESULT

    def _failed(self, error: BaseException) -> str:
        if not self.message:
            line = self._line(error)
            place = f" (line {line})" if line else ""
            self.message = f"{_name(error)}: {_text(error)}{place}"
        return STACK if issubclass(type(error), RecursionError) else RAISED

    def _line(self, error: BaseException) -> int:
        if isinstance(error, SyntaxError) and error.filename == self._file:
            return error.lineno if type(error.lineno) is int else 0
        line = 0
        trace = error.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == self._file:
                line = trace.tb_lineno
            trace = trace.tb_next
        return line


def _find_label(namespace: dict[str, Any]) -> Callable[..., object]:
    function = namespace.get("label")
    if type(function) is not types.FunctionType:
        raise LoadError("NoLabel", "there is no function named label", 0)
    return function


def _readers(function: Any, fields: Sequence[Mapping[str, Any]]) -> list[Callable[[Record], Any]]:
    code = function.__code__
    line = code.co_firstlineno
    if code.co_flags & _NOT_PLAIN or code.co_kwonlyargcount:
        raise LoadError("Signature", "label takes fields by name; no *, **, async or yield", line)
    places = {field["name"]: index for index, field in enumerate(fields)}
    names = code.co_varnames[: code.co_argcount]
    if unknown := [name for name in names if name not in places]:
        raise LoadError("Signature", f"label asks for {unknown[0]!r}, which is not a field", line)
    return [_reader(places[name], fields[places[name]]["type"]) for name in names]


def _reader(place: int, kind: str) -> Callable[[Record], Any]:
    """Return a function that reads the field from a record; a list is copied, as a program may change its own."""
    if kind == "bytes":
        return lambda record: None if record[place] is None else base64.b64decode(record[place])
    if kind == "numbers":
        return lambda record: None if record[place] is None else record[place].copy()
    return lambda record: record[place]


def _name(error: BaseException) -> str:
    """Return the name of the error's class, as ``type`` knows it: a metaclass could make up another, or raise."""
    return _plain(_CLASS_NAME(type(error)), _NAME_LENGTH)


def _text(error: BaseException) -> str:
    try:
        return _plain(str(error), _MESSAGE_LENGTH)
    except BaseException:
        return ""


def _shown(result: object) -> str:
    """Return what tells people which result it was. Does nothing that could fail or run the program's code."""
    if type(result) is int and result.bit_length() > _SHOWN_BITS:
        return f"an int of {result.bit_length()} bits"
    if type(result) in (str, int, float, bool):
        return ascii(result)[:_NAME_LENGTH]
    return _plain(_CLASS_NAME(type(result)), _NAME_LENGTH)


def _plain(text: str, length: int) -> str:
    """Return the beginning of a text, which may be of a subclass that makes up its methods."""
    return str.__getitem__(text, slice(length)).encode("utf-8", "replace").decode()
