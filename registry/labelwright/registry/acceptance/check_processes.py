"""Processes in which bundles are judged: what a push costs, or breaks, is theirs and not the registry's.

A program can keep whoever reads or loads it busy in code that lets no other thread run, and in places that look at no
clock. So the registry waits beside such a process and ends it at the deadline, or when the caller has left.
"""

from __future__ import annotations

import multiprocessing
import resource
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, TypeVar, TypeVarTuple

import structlog
from labelwright.core.errors import DeadlineExceeded, LabelwrightError, Unavailable
from labelwright.sandbox import Sandbox
from labelwright.serving.logs import places_of

MEMORY_BYTES = 4 << 30
"""What one process may write to: a few sandbox instances of the largest size, and all that is made of a bundle."""
_LOOK_SECONDS = 0.05
_GRACE_SECONDS = 0.2
"""How long after the deadline a process may still say itself that it passed."""

_Arguments = TypeVarTuple("_Arguments")
_Result = TypeVar("_Result")
_log = structlog.get_logger(__name__)


class CheckProcesses:
    """Runs functions of a sandbox in processes that are kept for the next call. Safe to use from several threads."""

    def __init__(self, kept: int, max_seconds: float) -> None:
        """``kept`` processes stay between calls; a call takes at most ``max_seconds``."""
        self._kept = kept
        self._max_seconds = max_seconds
        self._idle: list[_Process] = []
        self._lock = threading.Lock()
        self._closed = False

    def start(self) -> None:
        """Make a process ahead of the first call. Raises SandboxUnavailable, Unavailable where it cannot start."""
        self._put_back(_Process(time.monotonic() + self._max_seconds, always))

    def latest(self, deadline: float | None) -> float:
        """Return when a call that starts now must be done; both are ``time.monotonic()`` values."""
        latest = time.monotonic() + self._max_seconds
        return latest if deadline is None else min(deadline, latest)

    def run(
        self,
        function: Callable[[Sandbox, float, *_Arguments], _Result],
        deadline: float,
        is_wanted: Callable[[], bool],
        *arguments: *_Arguments,
    ) -> _Result:
        """Return what ``function`` returns for a process's sandbox, the deadline and the arguments, all of it pickled.

        Ends the process, and raises DeadlineExceeded, soon after ``deadline`` (``time.monotonic()``) or once
        ``is_wanted`` says no. Raises what ``function`` raises, and Unavailable where it ends its process.
        """
        process = self._take_idle() or _Process(deadline, is_wanted)
        try:
            outcome: _Result = process.ask((function, deadline, arguments), deadline, is_wanted)
        except LabelwrightError:
            if process.is_waiting:
                self._put_back(process)
            raise
        finally:
            if not process.is_waiting:
                process.end()
        self._put_back(process)
        return outcome

    def close(self) -> None:
        """End the processes; one that is in use ends with its call."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for process in idle:
            process.end()

    def _take_idle(self) -> _Process | None:
        """Return a process that waits, less those that something has ended since."""
        with self._lock:
            while self._idle:
                process = self._idle.pop()
                if process.is_alive:
                    return process
                process.end()
        return None

    def _put_back(self, process: _Process) -> None:
        with self._lock:
            is_kept = not self._closed and len(self._idle) < self._kept
            if is_kept:
                self._idle.append(process)
        if not is_kept:
            process.end()


class _Process:
    """One process and the pipe to it. ``is_waiting`` tells whether it answered all that it was asked."""

    def __init__(self, deadline: float, is_wanted: Callable[[], bool]) -> None:
        """Start it and wait until it is ready. Raises what keeps it from that, and as ``ask`` does."""
        # Spawned and not forked: neither gRPC's threads nor the sandbox survive a fork.
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,), name="check", daemon=True)
        self._process.start()
        theirs.close()
        self.is_waiting = False
        try:
            self._answer(deadline, is_wanted)
        except BaseException:
            self.end()
            raise

    @property
    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self._process.is_alive()

    def ask(self, question: object, deadline: float, is_wanted: Callable[[], bool]) -> Any:
        """Return the answer. Raises it where it is an error, DeadlineExceeded, Unavailable where the process ends."""
        self.is_waiting = False
        try:
            self._pipe.send(question)
        except OSError:
            raise _ended() from None
        return self._answer(deadline, is_wanted)

    def end(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.join()
        self._process.close()
        self._pipe.close()

    def _answer(self, deadline: float, is_wanted: Callable[[], bool]) -> Any:
        while not self._pipe.poll(_LOOK_SECONDS):
            if time.monotonic() > deadline + _GRACE_SECONDS:
                raise DeadlineExceeded("the deadline passed before the bundle was judged")
            if not is_wanted():
                raise DeadlineExceeded("the caller left before the bundle was judged")
        try:
            answer = self._pipe.recv()
        except (EOFError, OSError):
            raise _ended() from None
        self.is_waiting = True
        if isinstance(answer, LabelwrightError):
            raise answer
        return answer


def _ended() -> Unavailable:
    return Unavailable(
        "judging this bundle ended its process", advice="if it happens again, look for a program of unusual size"
    )


def always() -> bool:
    """Whether a caller who cannot leave still wants the answer."""
    return True


def _serve(pipe: Connection) -> None:
    """Say that the sandbox is ready, then answer each question, until the registry closes the pipe."""
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, resource.getrlimit(resource.RLIMIT_DATA)[1]))
    try:
        with Sandbox() as sandbox:
            pipe.send(None)
            while True:
                function, deadline, arguments = pipe.recv()
                try:
                    answer = function(sandbox, deadline, *arguments)
                except LabelwrightError as error:
                    answer = error
                pipe.send(answer)
    except LabelwrightError as error:
        pipe.send(error)
    except (EOFError, OSError, KeyboardInterrupt):
        pass  # the registry has ended
    except Exception as error:
        # Its text may quote the bundle.
        _log.error("a check ended", kind=type(error).__name__, places=places_of(error))
