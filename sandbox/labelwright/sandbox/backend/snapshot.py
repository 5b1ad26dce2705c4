"""A program, loaded once: what the memory of every instance that runs it begins with, each time it is called."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from labelwright.core.bundle import Program
from labelwright.core.task import Task
from labelwright.sandbox.backend.answers import (
    LoadFailure,
    UnreadableAnswer,
    Votes,
    most_outcomes_bytes,
    most_votes_bytes,
    read_outcomes,
    read_votes,
)
from labelwright.sandbox.host.instance import FaultKind, Instance, InstanceFault, Machine
from labelwright.sandbox.host.memory import Base

_NOTHING = Program("nothing", "def label():\n    return None\n")
_BASE_SECONDS = 60.0
_BASE_BYTES = 256 << 20
_BASE_ROOM = 8 << 20
_ROOM = 4 << 20
"""Bytes that are free when a call begins. What needs more enlarges its memory, and its instance is thrown away."""
_WARM_UP_SECONDS = 0.25
_FEW = 8
"""Records whose evaluation leaves little behind."""
_TRACE_BYTES = 1 << 20
_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class CallResult:
    """A row of votes a record, what each failing program says first, by place, and the thread's CPU seconds."""

    rows: list[Votes]
    messages: Mapping[int, str]
    cpu_seconds: float


class LoadFailed(Exception):
    """Programs do not load; ``failures`` says why, by place."""

    def __init__(self, failures: Mapping[int, LoadFailure]) -> None:
        super().__init__("programs do not load")
        self.failures = failures


class Snapshot:
    """Loaded programs and the memory that they begin with. Safe to share between threads."""

    def __init__(
        self,
        machine: Machine,
        task: Task,
        programs: Sequence[Program],
        seconds: float,
    ) -> None:
        """Load ``programs`` within ``seconds``. Raises LoadFailed, InstanceFault."""
        self.is_retired = False
        """Whether no instance is kept any more."""
        self.lent = 0
        """How many instances are in use."""
        self.memory_bytes = task.limits.memory_mb << 20
        self._machine = machine
        self._programs = len(programs)
        self._labels = len(task.labels)
        instance = Instance(machine, self.memory_bytes)
        try:
            self._load(instance, version_text(task, programs), seconds)
            instance.make_room(_ROOM)
            self._image = instance.capture()
        finally:
            instance.close()

    @property
    def held_bytes(self) -> int:
        """How much memory it holds, about."""
        return self._image.held_bytes

    def instance(self) -> LoadedInstance:
        """Return a new instance. Raises InstanceFault."""
        return LoadedInstance(Instance(self._machine, self.memory_bytes, self._image), self)

    def warm_up(self, records: Sequence[str]) -> None:
        """Let the programs see some records, unless one fails on them in a way that ends its instance.

        What they keep of these (patterns that they compiled) is there in every call.
        """
        instance = Instance(self._machine, self.memory_bytes, self._image)
        try:
            self.evaluate(instance, records, _WARM_UP_SECONDS)
            if not instance.has_grown:
                self._image = instance.capture()
        except InstanceFault:
            pass
        finally:
            instance.close()

    def evaluate(self, instance: Instance, records: Sequence[str], seconds: float) -> CallResult:
        """Evaluate packed records in one of its instances. Raises InstanceFault."""
        most = most_votes_bytes(self._programs, len(records))
        answer, spent = instance.ask("evaluate", f"[{','.join(records)}]", seconds, most)
        rows, messages = _read(instance, read_votes, answer, self._programs, len(records), self._labels)
        return CallResult(rows, messages, spent)

    def _load(self, instance: Instance, version: str, seconds: float) -> None:
        answer, _ = instance.ask("load", version, seconds, most_outcomes_bytes(self._programs))
        outcomes = _read(instance, read_outcomes, answer, self._programs)
        if failures := {place: failure for place, failure in enumerate(outcomes) if failure is not None}:
            raise LoadFailed(failures)


class LoadedInstance:
    """An instance of a snapshot. Belongs to one thread at a time."""

    def __init__(self, instance: Instance, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._instance = instance

    def evaluate(self, records: Sequence[str], seconds: float) -> CallResult:
        """Evaluate packed records within ``seconds`` of wall time, as if nothing had run here. Raises InstanceFault."""
        self._instance.restore(for_little=len(records) <= _FEW)
        return self.snapshot.evaluate(self._instance, records, seconds)

    def trace(self, record: str, seconds: float) -> bytes:
        """Evaluate a packed record as ``evaluate`` does, and return what decided (see labeling.wit)."""
        self._instance.restore()
        return self._instance.ask("trace", f"[{record}]", seconds, _TRACE_BYTES)[0]

    @property
    def is_reusable(self) -> bool:
        """Whether another call can follow; none can where the program made its memory larger."""
        return not self._instance.has_grown

    @property
    def resident_bytes(self) -> int:
        """How much memory it holds for itself, about."""
        return self._instance.resident_bytes

    def close(self) -> None:
        """Give the memory back."""
        self._instance.close()


def with_base(machine: Machine) -> Machine:
    """Return the machine with what all its instances begin with: the guest, once it has loaded and run a program."""
    task = Task("nothing", "", {"nothing": ""}, {})
    instance = Instance(machine, _BASE_BYTES)
    try:
        instance.ask("load", version_text(task, [_NOTHING]), _BASE_SECONDS, most_outcomes_bytes(1))
        instance.ask("evaluate", "[[],[]]", _BASE_SECONDS, most_votes_bytes(1, 2))
        instance.make_room(_BASE_ROOM)
        return replace(machine, base=Base(instance.content()))
    finally:
        instance.close()


def version_text(task: Task, programs: Sequence[Program]) -> str:
    """Return the argument of ``load``; see labeling.wit."""
    return json.dumps(
        {
            "labels": task.label_names,
            "fields": [
                {"name": field.name, "type": field.type.value, "optional": field.optional}
                for field in task.fields.values()
            ],
            "programs": [{"name": program.name, "source": program.source} for program in programs],
        }
    )


def _read(instance: Instance, read: Callable[..., _Answer], answer: bytes, *expected: int) -> _Answer:
    try:
        return read(answer, *expected)
    except UnreadableAnswer as error:
        instance.close()
        raise InstanceFault(FaultKind.CRASH, 0.0, f"its answer cannot be read: {error}") from None
