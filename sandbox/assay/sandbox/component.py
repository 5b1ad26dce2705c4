"""The back end that runs programs as Python inside a WebAssembly component.

The ordinary case is one call for a piece of a batch and all programs. Only where that call does not come back, or
somebody ran out of memory, ``blame`` finds out who it was.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping, Sequence

from assay.core.bundle import Program
from assay.core.errors import DeadlineExceeded
from assay.core.task import Task
from assay.core.vote import VoteError
from assay.sandbox.blame import SoloRun
from assay.sandbox.breaker import Breaker
from assay.sandbox.costs import Costs
from assay.sandbox.instance import Answer, Fault, FaultKind, LoadedInstance, Machine, version_text
from assay.sandbox.interface import Evaluation, Votes
from assay.sandbox.pool import InstancePool
from assay.sandbox.votes_text import Decoder

LOAD_SECONDS = 2.0
"""What a program's top-level code may take."""


class ComponentExecutable:
    """See interface.Executable."""

    def __init__(
        self,
        machine: Machine,
        task: Task,
        programs: Sequence[Program],
        breaker: Breaker,
        pool_size: int,
    ) -> None:
        self._machine = machine
        self._task = task
        self._programs = tuple(programs)
        self._breaker = breaker
        self._pool_size = pool_size
        self._limit = task.limits.time_ms / 1000
        self._costs = Costs(self._limit)
        self._pools: dict[tuple[int, ...], InstancePool] = {}
        self._decoders: dict[int, Decoder] = {}
        self._lock = threading.Lock()
        self._closed = False

    @property
    def programs(self) -> tuple[str, ...]:
        """See interface.Executable."""
        return tuple(program.name for program in self._programs)

    @property
    def benched(self) -> Mapping[str, str]:
        """See interface.Executable."""
        return {self._programs[index].name: reason for index, reason in self._breaker.benched.items()}

    def evaluate(self, records: Sequence[str], *, deadline: float | None = None) -> Evaluation:
        """See interface.Executable."""
        votes: list[Votes] = []
        messages: dict[int, str] = {}
        for chunk in self._costs.chunks(records):
            votes += self._evaluate_chunk(chunk, deadline, messages)
        return Evaluation(votes, {self._programs[index].name: text for index, text in sorted(messages.items())})

    def close(self) -> None:
        """See interface.Executable."""
        with self._lock:
            self._closed = True
            pools, self._pools = self._pools, {}
        for pool in pools.values():
            pool.close()

    def _evaluate_chunk(
        self, chunk: Sequence[str], deadline: float | None, messages: dict[int, str]
    ) -> Sequence[Votes]:
        apart = self._costs.slow | self._breaker.benched.keys()
        together = tuple(index for index in range(len(self._programs)) if index not in apart)
        rows = self._evaluate_together(together, chunk, deadline, messages)
        if rows is not None and not apart:
            return rows
        columns: dict[int, Sequence[int]] = {}
        if rows is not None:
            columns |= dict(zip(together, zip(*rows, strict=True), strict=True)) if together else {}
        for index in sorted(apart if rows is not None else range(len(self._programs))):
            columns[index] = self._evaluate_alone(index, chunk, deadline, messages)
        if rows is None:
            self._costs.relieve_lane()
        return list(zip(*(columns[index] for index in range(len(self._programs))), strict=True))

    def _evaluate_together(
        self, lane: tuple[int, ...], chunk: Sequence[str], deadline: float | None, messages: dict[int, str]
    ) -> Sequence[Votes] | None:
        """Return the votes of the lane's programs, or None where they must be run one by one."""
        if not lane:
            return [() for _ in chunk]
        pool = self._pool(lane)
        instance = pool.take(deadline)
        try:
            answer = instance.evaluate(chunk, _seconds(self._limit, deadline))
        except Fault as fault:
            pool.give_up()
            _check_deadline(fault, deadline)
            return None
        except BaseException:
            pool.give_up()
            instance.close()
            raise
        rows, texts = self._decode(answer, lane, len(chunk))
        if any(VoteError.MEMORY in row for row in set(rows)):
            pool.give_up()
            instance.close()
            return None
        pool.give_back(instance)
        self._costs.lane_took(len(chunk), answer.cpu_seconds)
        for index, text in texts.items():
            messages.setdefault(index, text)
        return rows

    def _evaluate_alone(
        self, index: int, chunk: Sequence[str], deadline: float | None, messages: dict[int, str]
    ) -> Sequence[int]:
        solo = SoloRun(lambda: self._make((index,)), self._task.limits, deadline)
        votes: list[int] = []
        with solo:
            for record in chunk:
                if not self._breaker.admits(index):
                    votes += [VoteError.BENCHED] * (len(chunk) - len(votes))
                    messages.setdefault(index, f"benched: {self._breaker.benched.get(index, '')}")
                    break
                votes.append(self._vote_alone(solo, index, record, messages))
        if solo.records:
            self._costs.program_took(index, solo.records, solo.cpu_seconds)
        return votes

    def _vote_alone(self, solo: SoloRun, index: int, record: str, messages: dict[int, str]) -> int:
        outcome = solo.vote(record)
        if outcome.message:
            messages.setdefault(index, outcome.message)
        if outcome.costly:
            self._breaker.failed(index, outcome.message)
        else:
            self._breaker.succeeded(index)
        return outcome.vote

    def _decode(self, answer: Answer, lane: tuple[int, ...], records: int) -> tuple[list[Votes], dict[int, str]]:
        decoder = self._decoders.setdefault(len(lane), Decoder(len(lane)))
        rows, tail = decoder.decode(answer.text, records)
        return rows, {lane[int(place)]: text for place, text in json.loads(tail).items()} if tail else {}

    def _pool(self, lane: tuple[int, ...]) -> InstancePool:
        with self._lock:
            if lane not in self._pools:
                stale, self._pools = self._pools, {lane: InstancePool(lambda: self._make(lane), self._pool_size)}
                for pool in stale.values():
                    pool.close()
            pool = self._pools[lane]
            if self._closed:
                pool.close()
            return pool

    def _make(self, lane: tuple[int, ...]) -> LoadedInstance:
        instance = LoadedInstance(self._machine, self._task.limits.memory_mb << 20)
        programs = [self._programs[index] for index in lane]
        instance.load(version_text(self._task, programs), LOAD_SECONDS * len(programs))
        return instance


def _seconds(limit: float, deadline: float | None) -> float:
    if deadline is None:
        return limit
    remaining = deadline - time.monotonic()
    if remaining <= 0:
        raise DeadlineExceeded("the deadline passed before all records were evaluated")
    return min(limit, remaining)


def _check_deadline(fault: Fault, deadline: float | None) -> None:
    if fault.kind is FaultKind.TIME and deadline is not None and time.monotonic() >= deadline:
        raise DeadlineExceeded("the deadline passed before all records were evaluated")
