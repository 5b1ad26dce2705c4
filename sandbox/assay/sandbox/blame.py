"""Finding out whether one program fails on one record: it runs alone, in an instance of its own."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType

from assay.core.errors import DeadlineExceeded
from assay.core.task import Limits
from assay.core.vote import VoteError
from assay.sandbox.instance import Fault, FaultKind, LoadedInstance
from assay.sandbox.votes_text import FIRST

_ATTEMPTS = 4
_ENOUGH_CPU = 0.9
"""A pair that was stopped is at fault where the thread had this share of the limit on a processor."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A program's vote on a record. ``costly`` failures killed an instance or ate its memory."""

    vote: int
    message: str = ""
    costly: bool = False


class SoloRun:
    """Runs one program over records, one at a time, and replaces the instance whenever it dies."""

    def __init__(self, make: Callable[[], LoadedInstance], limits: Limits, deadline: float | None) -> None:
        self._make = make
        self._limits = limits
        self._deadline = deadline
        self._instance: LoadedInstance | None = None
        self.records = 0
        self.cpu_seconds = 0.0

    def __enter__(self) -> SoloRun:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._drop()

    def vote(self, record: str) -> Outcome:
        """Return the vote. Raises DeadlineExceeded."""
        self.records += 1
        used = self._instance is not None
        outcome = self._vote(record)
        # What an instance went through before must not count: memory faults are judged in a fresh one.
        if used and outcome.costly and outcome.vote != VoteError.TIMEOUT:
            outcome = self._vote(record)
        return outcome

    def _vote(self, record: str) -> Outcome:
        """Wall time lies on a busy machine, so a pair that hardly ran gets more of it, until the CPU time tells."""
        limit = self._limits.time_ms / 1000
        for attempt in range(_ATTEMPTS):
            try:
                text, cpu_seconds = self._run(record, limit * 2**attempt)
            except Fault as fault:
                if fault.kind is not FaultKind.TIME:
                    return _died(fault)
                if fault.cpu_seconds >= limit * _ENOUGH_CPU:
                    break
                continue
            if attempt and cpu_seconds > limit:
                break
            return self._read(text)
        return Outcome(int(VoteError.TIMEOUT), f"ran longer than {self._limits.time_ms} ms", costly=True)

    def _run(self, record: str, seconds: float) -> tuple[str, float]:
        if self._deadline is not None:
            seconds = min(seconds, self._deadline - time.monotonic())
            if seconds <= 0:
                raise DeadlineExceeded("the deadline passed before all records were evaluated")
        if self._instance is None:
            self._instance = self._make()
        try:
            answer = self._instance.evaluate([record], seconds)
        except Fault as fault:
            self._instance = None
            self.cpu_seconds += fault.cpu_seconds
            if fault.kind is FaultKind.TIME and self._deadline is not None and time.monotonic() >= self._deadline:
                raise DeadlineExceeded("the deadline passed before all records were evaluated") from None
            raise
        self.cpu_seconds += answer.cpu_seconds
        return answer.text, answer.cpu_seconds

    def _read(self, text: str) -> Outcome:
        vote = ord(text[0]) - FIRST
        message = json.loads(text[1:])["0"] if text[1:] else ""
        if vote == VoteError.MEMORY:
            self._drop()
            message = f"asked for more than {self._limits.memory_mb} MiB"
        return Outcome(vote, message, costly=vote == VoteError.MEMORY)

    def _drop(self) -> None:
        if self._instance is not None:
            self._instance.close()
            self._instance = None


def _died(fault: Fault) -> Outcome:
    if fault.kind is FaultKind.STACK:
        return Outcome(VoteError.STACK, "used up the stack", costly=True)
    return Outcome(VoteError.CRASHED, f"ended the sandbox: {fault.reason}", costly=True)
