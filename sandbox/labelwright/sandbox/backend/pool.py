"""The instances and snapshots of a process, shared between all versions and threads, within one budget of memory."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

from labelwright.core.errors import DeadlineExceeded, Overloaded
from labelwright.sandbox.backend.snapshot import LoadedInstance, Snapshot

_LONGEST_WAIT = 30.0
"""Seconds that a caller without a deadline waits for memory; one with a deadline waits half of the time that it has."""
_INSTANCE_BYTES = 1 << 20
"""What an instance takes beside the pages that its calls wrote to."""


class InstancePool:
    """Lends instances. One that is lent counts with all the memory that it may use, an idle one with what it holds.

    Snapshots count with what they hold. Where the budget does not suffice, idle instances and snapshots of which no
    instance is lent go, the least recently used first; then callers wait.
    """

    def __init__(self, budget_bytes: int) -> None:
        self.budget_bytes = budget_bytes
        self._used = 0
        self._kept: OrderedDict[LoadedInstance | Snapshot, int] = OrderedDict()
        """What each idle instance and each snapshot holds, in bytes; the least recently used one first."""
        self._of: dict[Snapshot, list[LoadedInstance]] = {}
        self._returned = threading.Condition()

    @property
    def used_bytes(self) -> int:
        """How much of the budget is in use."""
        return self._used

    def keep(self, snapshot: Snapshot) -> None:
        """Hold the snapshot for as long as there is room. Whoever uses it must not hold it between calls."""
        with self._returned:
            self._used += snapshot.held_bytes - self._kept.pop(snapshot, 0)
            self._kept[snapshot] = snapshot.held_bytes
            while self._used > self.budget_bytes and self._evict(snapshot):
                pass

    @contextmanager
    def room(self, size: int, deadline: float | None) -> Iterator[None]:
        """Have ``size`` bytes free for as long as the context lasts. Raises as ``take``."""
        with self._returned:
            self._make_room(size, deadline)
        try:
            yield
        finally:
            self._release(size)

    def take(self, snapshot: Snapshot, deadline: float | None) -> LoadedInstance:
        """Return an instance for the caller alone; ``give_back`` must follow.

        ``deadline`` is a ``time.monotonic()`` value. Raises DeadlineExceeded, Overloaded where no memory becomes free,
        InstanceFault where none can be made.
        """
        with self._returned:
            snapshot.lent += 1
            try:
                self._make_room(snapshot.memory_bytes, deadline, snapshot)
            except BaseException:
                snapshot.lent -= 1
                raise
            own_idle = self._of.get(snapshot)
            instance = self._remove(own_idle[-1]) if own_idle else None
        if instance is not None:
            return instance
        try:
            return snapshot.instance()
        except BaseException:
            self._release(snapshot.memory_bytes, snapshot)
            raise

    def give_back(self, instance: LoadedInstance, *, healthy: bool) -> None:
        """Return an instance, and whether another call can follow in it."""
        snapshot = instance.snapshot
        held = instance.resident_bytes + _INSTANCE_BYTES if healthy else 0
        self._release(snapshot.memory_bytes, snapshot)
        with self._returned:
            if healthy and not snapshot.is_retired and self._used + held <= self.budget_bytes:
                self._kept[instance] = held
                self._of.setdefault(snapshot, []).append(instance)
                self._used += held
                if snapshot in self._kept:
                    # Behind its instances: it is dearer to make again.
                    self._kept.move_to_end(snapshot)
                return
        instance.close()

    def retire(self, snapshot: Snapshot) -> None:
        """Let go of the snapshot and its idle instances, and from now on of each one that is given back."""
        with self._returned:
            self._forget(snapshot)
            self._returned.notify_all()

    def _make_room(self, size: int, deadline: float | None, own: Snapshot | None = None) -> None:
        """Count ``size`` bytes as used, once they are free; what belongs to ``own`` goes last."""
        if self._used + size > self.budget_bytes:
            now = time.monotonic()
            patience = now + _LONGEST_WAIT if deadline is None else min(now + _LONGEST_WAIT, (now + deadline) / 2)
            for idle in self._of.get(own, ()) if own else ():
                self._kept.move_to_end(idle)
            while self._used + size > self.budget_bytes:
                if not self._evict(own):
                    self._wait(deadline, patience)
        self._used += size

    def _evict(self, own: Snapshot | None) -> bool:
        for kept in self._kept:
            if isinstance(kept, LoadedInstance):
                self._remove(kept).close()
                return True
            if not kept.lent and kept is not own:
                self._forget(kept)
                return True
        return False

    def _forget(self, snapshot: Snapshot) -> None:
        snapshot.is_retired = True
        self._used -= self._kept.pop(snapshot, 0)
        for instance in list(self._of.get(snapshot, ())):
            self._remove(instance).close()

    def _remove(self, instance: LoadedInstance) -> LoadedInstance:
        self._used -= self._kept.pop(instance)
        others = self._of[instance.snapshot]
        others.remove(instance)
        if not others:
            del self._of[instance.snapshot]
        return instance

    def _release(self, size: int, snapshot: Snapshot | None = None) -> None:
        with self._returned:
            self._used -= size
            if snapshot is not None:
                snapshot.lent -= 1
            self._returned.notify_all()

    def _wait(self, deadline: float | None, patience: float) -> None:
        now = time.monotonic()
        if deadline is not None and now >= deadline:
            raise DeadlineExceeded("the deadline passed while the sandbox's memory was in use")
        if now >= patience:
            raise Overloaded(
                "the sandbox's memory is in use",
                retry_after=1.0,
                advice="come back after the delay in RetryInfo, with fewer requests at once",
            )
        self._returned.wait(patience - now)
