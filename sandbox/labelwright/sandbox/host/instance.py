"""One live instance of the component: calls with a time limit, and what a trap means."""

from __future__ import annotations

import enum
import json
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from labelwright.core.bundle import Program
from labelwright.core.task import Task
from labelwright.sandbox.host.clock import EpochClock
from wasmtime import Engine, Store, Trap, WasmtimeError
from wasmtime.component import Component, Instance, Linker

INTERFACE = "labelwright:sandbox/labeling@1.0.0"
_TRAP = re.compile(r"wasm trap: (.+)")
_OUT_OF_MEMORY = re.compile(r"!(posix_|os_)_exit\b")
"""The guest ends itself in this function, and only if memory runs out."""


class FaultKind(enum.Enum):
    """Why an instance died, by what wasmtime's message contains."""

    TIME = "interrupt"
    STACK = "call stack exhausted"
    MEMORY = "memory exhausted"
    CRASH = ""


class InstanceFault(Exception):
    """A call did not return, and the instance is dead. ``cpu_seconds`` is what the thread spent in the call."""

    def __init__(self, kind: FaultKind, cpu_seconds: float, reason: str) -> None:
        super().__init__(reason)
        self.kind, self.cpu_seconds, self.reason = kind, cpu_seconds, reason


@dataclass(frozen=True, slots=True)
class CallResult:
    """What ``evaluate`` returned, and the thread's CPU seconds that it took."""

    text: str
    cpu_seconds: float


@dataclass(frozen=True, slots=True)
class Machine:
    """What instances are made of."""

    engine: Engine
    component: Component
    clock: EpochClock


class LoadedInstance:
    """An instance with programs loaded. Belongs to one thread at a time."""

    def __init__(self, machine: Machine, memory_bytes: int) -> None:
        """Instantiate the component. Raises InstanceFault if ``memory_bytes`` is too little for it."""
        self.evaluations = 0
        self._clock = machine.clock
        self._store = Store(machine.engine)
        self._store.set_limits(memory_size=memory_bytes)
        self._store.set_epoch_deadline(EpochClock.ticks(3600))
        try:
            instance = Linker(machine.engine).instantiate(self._store, machine.component)
        except (WasmtimeError, Trap) as error:
            self.close()
            raise InstanceFault(FaultKind.CRASH, 0.0, str(error).splitlines()[0]) from None
        self._instance = instance
        self._load = self._function(instance, "load")
        self._evaluate = self._function(instance, "evaluate")

    def load(self, version: str, seconds: float) -> list[dict[str, Any] | None]:
        """Load the programs (see ``version_text``) and return one entry each: None, or what is wrong with it.

        Raises InstanceFault.
        """
        outcomes: list[dict[str, Any] | None] = json.loads(self._call(self._load, version, seconds).text)
        return outcomes

    def evaluate(self, records: Sequence[str], seconds: float) -> CallResult:
        """Evaluate packed records within ``seconds`` of wall time. Raises InstanceFault."""
        self.evaluations += len(records)
        return self._call(self._evaluate, f"[{','.join(records)}]", seconds)

    def trace(self, records: Sequence[str], seconds: float) -> str:
        """Evaluate packed records as ``evaluate`` does, and return what decided (see labeling.wit)."""
        function = self._function(self._instance, "trace")
        return self._call(function, f"[{','.join(records)}]", seconds).text

    def describe(self) -> str:
        """Return the component's description of itself, as JSON text (see labeling.wit)."""
        return self._function(self._instance, "describe")(self._store)

    def close(self) -> None:
        """Give the memory back."""
        self._store.close()

    def _function(self, instance: Instance, name: str) -> Callable[..., str]:
        index = instance.get_export_index(self._store, INTERFACE)
        index = index and instance.get_export_index(self._store, name, index)
        function = instance.get_func(self._store, index) if index else None
        if function is None:
            raise InstanceFault(FaultKind.CRASH, 0.0, f"the component does not export {INTERFACE} {name}")
        return function

    def _call(self, function: Callable[[Store, str], str], argument: str, seconds: float) -> CallResult:
        self._store.set_epoch_deadline(EpochClock.ticks(seconds))
        started = time.thread_time()
        try:
            with self._clock:
                text = function(self._store, argument)
        except (WasmtimeError, Trap) as error:
            spent = time.thread_time() - started
            self.close()
            raise _fault(str(error), spent) from None
        return CallResult(text, time.thread_time() - started)


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


def _fault(message: str, cpu_seconds: float) -> InstanceFault:
    trap = _TRAP.search(message)
    reason = trap[1] if trap else message.splitlines()[0]
    if _OUT_OF_MEMORY.search(message):
        reason = FaultKind.MEMORY.value
    kind = next((kind for kind in FaultKind if kind.value and kind.value in reason), FaultKind.CRASH)
    return InstanceFault(kind, cpu_seconds, reason)
