"""The one way in which tests start servers, and so the line between the fast tests and the others.

A test that can reach ``start_server`` or ``find_program`` is marked ``servers`` when it is collected (by what
its code and that of its fixtures names), and a test without that mark is not let through here: so
``pytest -m "not servers"`` is every test that starts no server, and nobody keeps a list.
"""

from __future__ import annotations

import inspect
import shutil
import subprocess
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

MARK = "servers"
_PATH = "/usr/bin:/usr/local/bin:/usr/sbin"
_allowed = True


def start_server(
    command: Sequence[str | Path],
    log: Path,
    *,
    output: Path | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start a server as a process of its own, whose errors and, where no other file is given, output go to the log."""
    _check(str(command[0]))
    with log.open("ab") as stderr, (output or log).open("ab") as stdout:
        return subprocess.Popen(command, stdout=stdout, stderr=stderr, env=env, cwd=cwd)


def find_program(*names: str) -> str:
    """Return the path of the first of these programs that is installed. Raises RuntimeError where none is."""
    _check(names[0])
    found = next((path for name in names if (path := shutil.which(name, path=_PATH))), None)
    if found is None:
        raise RuntimeError(f"{names[0]} is not installed here: tests/install-parts installs it")
    return found


def allow(allowed: bool) -> None:
    """Say whether what runs now may start servers; before the first call it may."""
    global _allowed
    _allowed = allowed


@cache
def reaches_servers(function: Callable[..., object]) -> bool:
    """Return whether a function of the tests, or one of those that its code names, starts a server."""
    seen: set[object] = set()
    waiting: list[object] = [function]
    while waiting:
        thing = waiting.pop()
        if thing in (start_server, find_program):
            return True
        if thing not in seen:
            seen.add(thing)
            waiting += _named_by(thing)
    return False


def _check(name: str) -> None:
    if not _allowed:
        raise RuntimeError(f"this test starts {name} in a way that was not seen: mark it with pytest.mark.{MARK}")


def _named_by(thing: object) -> Iterator[object]:
    """Yield the functions and classes of the tests that the code of a function or a class names."""
    if isinstance(thing, type):
        members = (member for one in thing.__mro__ if _is_own(one) for member in vars(one).values())
        yield from (member for member in members if inspect.isfunction(member))
        return
    function = inspect.unwrap(thing) if callable(thing) else None
    if not inspect.isfunction(function):
        return
    for name in _names(function.__code__):
        value = function.__globals__.get(name)
        if (inspect.isfunction(value) or inspect.isclass(value)) and _is_own(value):
            yield value


def _names(code: types.CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names(constant)


def _is_own(thing: object) -> bool:
    return str(getattr(thing, "__module__", "")).startswith("tests.")
