"""A version's programs, ready to run: they get packed records and give votes.

The programs run as Python inside a WebAssembly component, which nothing outside of this package needs to know. The
ordinary case is one call for a piece of a batch and all programs. Only if that call does not return, or memory runs
out, ``blame`` finds the program at fault.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from labelwright.core.bundle import Program
from labelwright.core.errors import Unavailable
from labelwright.core.task import Task
from labelwright.core.vote import VoteError
from labelwright.sandbox.backend.bench import Bench
from labelwright.sandbox.backend.blame import SoloRun, SoloVote, raise_if_late, remaining_seconds
from labelwright.sandbox.backend.costs import Costs
from labelwright.sandbox.backend.messages import plain_message
from labelwright.sandbox.backend.votes_text import Decoder, Votes
from labelwright.sandbox.host.instance import (
    CallResult,
    FaultKind,
    InstanceFault,
    LoadedInstance,
    Machine,
    version_text,
)
from labelwright.sandbox.host.pool import InstancePool

_LOAD_SECONDS = 2.0
"""What the top-level code of one program may take, not counting the time to read its source."""
_SECONDS_A_PROGRAM = 1.0
"""What each program adds to that. Programs of 20 kB with large patterns load in 0.1 to 0.3 s of processor time; this is
time by the clock, on machines with other work to do."""
_MOST_LOAD_SECONDS = 30.0
"""Of any version, however many programs it has."""

_Item = TypeVar("_Item")


def load_seconds(programs: int) -> float:
    """Return the time limit for loading so many programs."""
    return min(_LOAD_SECONDS + programs * _SECONDS_A_PROGRAM, _MOST_LOAD_SECONDS)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a batch gave: ``votes[record]``, and for people the first error message of each failing program.

    Messages may quote records: they are for whoever owns the data, never for logs.
    """

    votes: list[Votes]
    messages: Mapping[str, str]


@dataclass(slots=True)
class _Batch:
    """One call's state: its deadline (``time.monotonic()``), the votes so far and each program's first message."""

    deadline: float | None
    votes: list[Votes] = field(default_factory=list)
    messages: dict[int, str] = field(default_factory=dict)

    def note(self, messages: Mapping[int, str]) -> None:
        for index, text in messages.items():
            self.messages.setdefault(index, plain_message(text))


class Executable:
    """A version's programs, ready to run. Safe to call from several threads at once."""

    def __init__(
        self,
        machine: Machine,
        task: Task,
        programs: Sequence[Program],
        bench: Bench,
        pool_size: int,
        instance: LoadedInstance,
    ) -> None:
        """``instance`` has the programs loaded; it is the first that evaluates."""
        self._machine = machine
        self._task = task
        self._programs = tuple(programs)
        self._bench = bench
        self._pool_size = pool_size
        self._limit = task.limits.time_ms / 1000
        everyone = tuple(range(len(self._programs)))
        self._costs = Costs(self._limit)
        self._pools = {everyone: InstancePool(lambda: self._make(everyone), pool_size, instance)}
        self._decoders: dict[int, Decoder] = {}
        self._lock = threading.Lock()
        self._closed = False

    @property
    def programs(self) -> tuple[str, ...]:
        """The programs' names, in voting order."""
        return tuple(program.name for program in self._programs)

    @property
    def benched(self) -> Mapping[str, str]:
        """Programs that failed so often that they are not run any more, with the reason."""
        return {self._programs[index].name: reason for index, reason in self._bench.benched.items()}

    def chunks(self, items: Iterable[_Item]) -> Iterator[list[_Item]]:
        """Yield the items as often as asked for, as many at a time as one call of ``evaluate`` takes best.

        For whoever reads records from a source that does not fit into memory. How many that are is learned from the
        calls so far, so evaluate what a chunk holds before asking for the next.
        """
        return self._costs.chunks(items, _no_text)

    def evaluate(self, records: Iterable[str], *, deadline: float | None = None) -> Evaluation:
        """Evaluate every program on every packed record, in chunks of the best size; the votes are kept in memory.

        ``deadline`` is a ``time.monotonic()`` value; where it passes first, raises DeadlineExceeded and blames no
        program. A program at fault gets an error vote; nothing it does changes the votes of the others. Raises
        Unavailable after ``close``.
        """
        if self._closed:
            raise Unavailable("the version was closed", advice="load it again")
        batch = _Batch(deadline)
        for chunk in self._costs.chunks(records, len):
            batch.votes += self._evaluate_chunk(chunk, batch)
        return Evaluation(batch.votes, {self._programs[index].name: batch.messages[index] for index in batch.messages})

    def close(self) -> None:
        """Free the instances. Calls under way finish first."""
        with self._lock:
            self._closed = True
            pools, self._pools = self._pools, {}
        for pool in pools.values():
            pool.retire()

    def _evaluate_chunk(self, chunk: Sequence[str], batch: _Batch) -> Sequence[Votes]:
        everyone = range(len(self._programs))
        apart = self._costs.apart | self._bench.benched.keys()
        lane = tuple(index for index in everyone if index not in apart)
        rows = self._evaluate_together(lane, chunk, batch)
        if rows is not None and not apart:
            return rows
        columns: dict[int, Sequence[int]] = {}
        if rows is not None and lane:
            columns |= zip(lane, zip(*rows, strict=True), strict=True)
        for index in everyone:
            if index not in columns:
                columns[index] = self._evaluate_alone(index, chunk, batch)
        if rows is None and not self._costs.apart - apart:
            self._costs.relieve_lane()
        return list(zip(*(columns[index] for index in everyone), strict=True))

    def _evaluate_together(self, lane: tuple[int, ...], chunk: Sequence[str], batch: _Batch) -> Sequence[Votes] | None:
        """Return the votes of the lane's programs, or None if they must be run one by one."""
        if not lane:
            return [() for _ in chunk]
        pool = self._pool(lane)
        try:
            instance = pool.take(batch.deadline)
        except InstanceFault:
            return None
        healthy = False
        try:
            answer = instance.evaluate(chunk, remaining_seconds(self._limit, batch.deadline))
            rows, messages = self._decode(answer, lane, len(chunk))
            healthy = True
        except InstanceFault as fault:
            raise_if_late(fault, batch.deadline)
            return None
        finally:
            if healthy:
                pool.give_back(instance)
            else:
                pool.give_up()
                instance.close()
        self._costs.lane_took(len(chunk), answer.cpu_seconds)
        batch.note(messages)
        return rows

    def _evaluate_alone(self, index: int, chunk: Sequence[str], batch: _Batch) -> Sequence[int]:
        """Return the program's votes, whatever it does, and count its faults."""
        at_fault = False
        with SoloRun(lambda: self._make((index,)), self._task.limits, batch.deadline) as solo:
            # A program that is not known to be slow is probably sound: another one made the call fail.
            votes = solo.votes(chunk) if index not in self._costs.apart and self._bench.admits(index) else None
            if votes is None:
                votes = []
                for record in chunk:
                    if not self._bench.admits(index):
                        batch.note({index: f"benched: {self._bench.benched.get(index, '')}"})
                        votes += [int(VoteError.BENCHED)] * (len(chunk) - len(votes))
                        break
                    outcome = solo.vote(record)
                    at_fault |= outcome.costly
                    votes.append(self._judge(index, outcome, batch))
            elif solo.message:
                batch.note({index: solo.message})
            if solo.records:
                self._costs.program_took(index, solo.records, solo.cpu_seconds, at_fault=at_fault)
        return votes

    def _judge(self, index: int, outcome: SoloVote, batch: _Batch) -> int:
        if outcome.message:
            batch.note({index: outcome.message})
        if outcome.costly:
            self._bench.failed(index, outcome.message)
        else:
            self._bench.succeeded(index)
        return outcome.vote

    def _decode(self, answer: CallResult, lane: tuple[int, ...], records: int) -> tuple[list[Votes], dict[int, str]]:
        decoder = self._decoders.setdefault(len(lane), Decoder(len(lane)))
        rows, tail = decoder.decode(answer.text, records)
        return rows, {lane[int(place)]: text for place, text in json.loads(tail).items()} if tail else {}

    def _pool(self, lane: tuple[int, ...]) -> InstancePool:
        with self._lock:
            if lane not in self._pools:
                stale, self._pools = self._pools, {lane: InstancePool(lambda: self._make(lane), self._pool_size)}
                for pool in stale.values():
                    pool.retire()
            pool = self._pools[lane]
            if self._closed:
                pool.retire()
            return pool

    def _make(self, lane: tuple[int, ...]) -> LoadedInstance:
        instance = LoadedInstance(self._machine, self._task.limits.memory_mb << 20)
        programs = [self._programs[index] for index in lane]
        outcomes = instance.load(version_text(self._task, programs), load_seconds(len(programs)))
        if any(outcomes):
            instance.close()
            raise InstanceFault(FaultKind.CRASH, 0.0, "a program that loaded before does not load again")
        return instance


def _no_text(_: object) -> int:
    return 0
