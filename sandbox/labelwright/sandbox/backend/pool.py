"""The instances of a process, shared between all versions and threads, within one budget of memory."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict

from labelwright.core.errors import DeadlineExceeded, Overloaded
from labelwright.sandbox.backend.snapshot import LoadedInstance, Snapshot

_LONGEST_WAIT = 30.0
"""Seconds that a caller without a deadline waits for memory."""


class InstancePool:
    """Lends instances. One that is lent counts with all the memory that it may use, an idle one with what it holds.

    Where the budget does not suffice, idle instances go, the least recently used first; then callers wait.
    """

    def __init__(self, budget_bytes: int) -> None:
        self._budget = budget_bytes
        self._used = 0
        self._idle: OrderedDict[LoadedInstance, int] = OrderedDict()
        """What each holds, in bytes; the least recently used one first."""
        self._of: dict[Snapshot, list[LoadedInstance]] = {}
        self._returned = threading.Condition()

    def take(self, snapshot: Snapshot, deadline: float | None) -> LoadedInstance:
        """Return an instance for the caller alone; ``give_back`` must follow.

        ``deadline`` is a ``time.monotonic()`` value. Raises DeadlineExceeded, Overloaded where no memory becomes free,
        InstanceFault where none can be made.
        """
        patience = time.monotonic() + _LONGEST_WAIT
        with self._returned:
            while self._used + snapshot.memory_bytes > self._budget:
                if self._idle:
                    # The caller's own go last.
                    for own in self._of.get(snapshot, ()):
                        self._idle.move_to_end(own)
                    self._remove(next(iter(self._idle))).close()
                else:
                    self._wait(deadline, patience)
            own_idle = self._of.get(snapshot)
            instance = self._remove(own_idle[-1]) if own_idle else None
            self._used += snapshot.memory_bytes
        if instance is not None:
            return instance
        try:
            return snapshot.instance()
        except BaseException:
            self._release(snapshot)
            raise

    def give_back(self, instance: LoadedInstance, *, healthy: bool) -> None:
        """Return an instance, and whether another call can follow in it."""
        snapshot = instance.snapshot
        held = instance.resident_bytes if healthy else 0
        self._release(snapshot)
        with self._returned:
            if healthy and not snapshot.is_retired and self._used + held <= self._budget:
                self._idle[instance] = held
                self._of.setdefault(snapshot, []).append(instance)
                self._used += held
                return
        instance.close()

    def retire(self, snapshot: Snapshot) -> None:
        """Close the snapshot's idle instances, and from now on each one that is given back."""
        with self._returned:
            snapshot.is_retired = True
            for instance in list(self._of.get(snapshot, ())):
                self._remove(instance).close()
            self._returned.notify_all()

    def _remove(self, instance: LoadedInstance) -> LoadedInstance:
        self._used -= self._idle.pop(instance)
        others = self._of[instance.snapshot]
        others.remove(instance)
        if not others:
            del self._of[instance.snapshot]
        return instance

    def _release(self, snapshot: Snapshot) -> None:
        with self._returned:
            self._used -= snapshot.memory_bytes
            self._returned.notify_all()

    def _wait(self, deadline: float | None, patience: float) -> None:
        now = time.monotonic()
        if deadline is not None and now >= deadline:
            raise DeadlineExceeded("the deadline passed while the sandbox's memory was in use")
        if now >= patience:
            raise Overloaded("the sandbox's memory is in use", retry_after=1.0)
        self._returned.wait(min(patience, deadline or patience) - now)
