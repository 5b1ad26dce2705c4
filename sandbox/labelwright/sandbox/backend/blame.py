"""Finding out whether one program fails on one record: it runs alone, in an instance of its own."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType

from labelwright.core.errors import DeadlineExceeded
from labelwright.core.task import Limits
from labelwright.core.vote import VoteError
from labelwright.sandbox.backend.votes_text import FIRST, Decoder
from labelwright.sandbox.host.instance import CallResult, FaultKind, InstanceFault, LoadedInstance

_ATTEMPTS = 3
_MOST_PATIENCE = 8.0
"""How many times the limit a pair may take in wall time if the machine is so busy that it hardly runs."""
_MARGIN = 1.3
_ENOUGH_CPU = 0.9
"""A pair that was stopped is at fault if its thread had this share of the limit on a processor."""


@dataclass(frozen=True, slots=True)
class SoloVote:
    """A program's vote on a record. ``costly`` failures killed their instance."""

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
        self.message = ""
        self.cpu_seconds = 0.0

    def __enter__(self) -> SoloRun:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._drop()

    def votes(self, records: Sequence[str]) -> list[int] | None:
        """Return all votes if the program casts them within one pair's limit, else None: then ask one by one."""
        try:
            answer = self._run(records, self._limits.time_ms / 1000)
        except InstanceFault:
            return None
        rows, tail = Decoder(1).decode(answer.text, len(records))
        self.records += len(records)
        self.message = json.loads(tail)["0"] if tail else ""
        return [row[0] for row in rows]

    def vote(self, record: str) -> SoloVote:
        """Return the vote. Raises DeadlineExceeded."""
        self.records += 1
        used = self._instance is not None
        outcome = self._vote(record)
        # What an instance went through before must not matter: memory faults are judged in a fresh one.
        if used and outcome.costly and outcome.vote != VoteError.TIMEOUT:
            outcome = self._vote(record)
        return outcome

    def _vote(self, record: str) -> SoloVote:
        """Return the vote.

        On a busy machine wall time proves little: a pair that hardly ran gets more of it, until CPU time decides.
        """
        limit = self._limits.time_ms / 1000
        patience = 1.0
        for _ in range(_ATTEMPTS):
            try:
                answer = self._run([record], limit * patience)
            except InstanceFault as fault:
                if fault.kind is not FaultKind.TIME:
                    return self._died(fault)
                if fault.cpu_seconds >= limit * _ENOUGH_CPU:
                    break
                patience = min(_MOST_PATIENCE, _MARGIN * limit / max(fault.cpu_seconds, limit / _MOST_PATIENCE))
                continue
            if patience > 1.0 and answer.cpu_seconds > limit:
                break
            text = answer.text
            return SoloVote(ord(text[0]) - FIRST, json.loads(text[1:])["0"] if text[1:] else "")
        return SoloVote(int(VoteError.TIMEOUT), f"ran longer than {self._limits.time_ms} ms", costly=True)

    def _run(self, records: Sequence[str], seconds: float) -> CallResult:
        seconds = remaining_seconds(seconds, self._deadline)
        try:
            if self._instance is None:
                self._instance = self._make()
            answer = self._instance.evaluate(records, seconds)
        except InstanceFault as fault:
            self._instance = None
            self.cpu_seconds += fault.cpu_seconds
            raise_if_late(fault, self._deadline)
            raise
        self.cpu_seconds += answer.cpu_seconds
        return answer

    def _died(self, fault: InstanceFault) -> SoloVote:
        if fault.kind is FaultKind.STACK:
            return SoloVote(int(VoteError.STACK), "used up the stack", costly=True)
        if fault.kind is FaultKind.MEMORY:
            return SoloVote(int(VoteError.MEMORY), f"asked for more than {self._limits.memory_mb} MiB", costly=True)
        return SoloVote(int(VoteError.CRASHED), f"ended the sandbox: {fault.reason}", costly=True)

    def _drop(self) -> None:
        if self._instance is not None:
            self._instance.close()
            self._instance = None


def remaining_seconds(limit: float, deadline: float | None) -> float:
    """Return ``limit``, or what is left until ``deadline`` (``time.monotonic()``). Raises DeadlineExceeded."""
    remaining = limit if deadline is None else min(limit, deadline - time.monotonic())
    if remaining <= 0:
        raise _late()
    return remaining


def raise_if_late(fault: InstanceFault, deadline: float | None) -> None:
    """Raise DeadlineExceeded if the caller's deadline ended the call: then no program is to blame."""
    if fault.kind is FaultKind.TIME and deadline is not None and time.monotonic() >= deadline:
        raise _late() from None


def _late() -> DeadlineExceeded:
    return DeadlineExceeded("the deadline passed before all records were evaluated", advice="allow more time")
