"""One live instance of the runtime: calls with a time limit, and what a trap means."""

from __future__ import annotations

import enum
import re
import time
from dataclasses import dataclass

from labelwright.sandbox.host.clock import EpochClock
from labelwright.sandbox.host.memory import Base, Image, PrivateMemory
from labelwright.sandbox.host.runtime import Linked, MalformedAnswer, Runtime
from wasmtime import Engine, Store, Trap, WasmtimeError

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
class Machine:
    """What instances are made of. All begin with ``base`` in their memory, where there is one."""

    engine: Engine
    runtime: Runtime
    clock: EpochClock
    base: Base | None = None


class Instance:
    """A linked runtime, which answers until its first fault. Belongs to one thread at a time."""

    def __init__(self, machine: Machine, memory_bytes: int, image: Image | None = None) -> None:
        """Link the runtime; begin with ``image``. Raises InstanceFault if ``memory_bytes`` is too little for it."""
        self._image = image
        self._clock = machine.clock
        self._store = Store(machine.engine)
        self._store.set_limits(memory_size=memory_bytes)
        self._store.set_epoch_deadline(EpochClock.ticks(3600))
        try:
            self._linked = Linked(machine.runtime, self._store)
            if machine.base is not None:
                self._linked.grow_memory(image.size if image else machine.base.pages.nbytes)
                self._memory = PrivateMemory(machine.base, image, self._linked.address)
        except (WasmtimeError, Trap) as error:
            self.close()
            raise _fault(error, 0.0) from None

    def make_room(self, size: int) -> None:
        """Let the guest have ``size`` bytes free, so that ordinary calls need not enlarge the memory."""
        self._linked.call("free", self._linked.call("malloc", size))

    def content(self) -> bytes:
        """Return the whole memory."""
        return self._linked.read(0, self._linked.memory_bytes)

    def capture(self) -> Image:
        """Return what the memory holds. Only with a base."""
        return self._memory.capture(self._linked.memory_bytes)

    def restore(self, *, for_little: bool = False) -> None:
        """Make the memory what it was when the image was captured. Only with an image."""
        self._memory.restore(for_little=for_little)
        self._linked.unwind()

    @property
    def has_grown(self) -> bool:
        """Whether the memory is larger than the image: it can be put back no more."""
        return self._image is not None and self._linked.memory_bytes != self._image.size

    @property
    def resident_bytes(self) -> int:
        """How much memory was the instance's own when it was put back last."""
        return self._memory.resident_bytes

    def ask(self, name: str, question: str, seconds: float, most: int) -> tuple[bytes, float]:
        """Return what an exported function answers, and the thread's CPU seconds that it took.

        It may take ``seconds`` of wall time, and answer with ``most`` bytes. Raises InstanceFault.
        """
        self._store.set_epoch_deadline(EpochClock.ticks(seconds))
        started = time.thread_time()
        try:
            with self._clock:
                answer = self._linked.ask(name, question.encode(), most)
        except (WasmtimeError, Trap, MalformedAnswer) as error:
            spent = time.thread_time() - started
            self.close()
            raise _fault(error, spent) from None
        return answer, time.thread_time() - started

    def close(self) -> None:
        """Give the memory back."""
        self._store.close()


def _fault(error: Exception, cpu_seconds: float) -> InstanceFault:
    message = str(error)
    if isinstance(error, MalformedAnswer):
        return InstanceFault(FaultKind.CRASH, cpu_seconds, message)
    trap = _TRAP.search(message)
    reason = trap[1] if trap else message.splitlines()[0]
    if _OUT_OF_MEMORY.search(message):
        reason = FaultKind.MEMORY.value
    kind = next((kind for kind in FaultKind if kind.value and kind.value in reason), FaultKind.CRASH)
    return InstanceFault(kind, cpu_seconds, reason)
