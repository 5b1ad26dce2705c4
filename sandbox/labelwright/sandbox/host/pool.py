"""A pool of instances for one set of programs: made on demand, shared between threads, thrown away after a while."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from labelwright.core.errors import DeadlineExceeded
from labelwright.sandbox.host.instance import LoadedInstance

RECYCLE_AFTER = 50_000
"""Records after which an instance is replaced, so that what programs leave behind cannot pile up."""


class InstancePool:
    """Lends instances. At most ``size`` exist at once; further callers wait."""

    def __init__(self, make: Callable[[], LoadedInstance], size: int, *idle: LoadedInstance) -> None:
        self._make = make
        self._size = size
        self._idle = list(idle)
        self._lent = 0
        self._retired = False
        self._returned = threading.Condition()

    def take(self, deadline: float | None) -> LoadedInstance:
        """Return an instance for the caller alone. Raises DeadlineExceeded, InstanceFault where none can be made."""
        with self._returned:
            while self._lent >= self._size:
                remaining = None if deadline is None else deadline - time.monotonic()
                if remaining is not None and remaining <= 0:
                    raise DeadlineExceeded("the deadline passed while all sandbox instances were busy")
                self._returned.wait(remaining)
            self._lent += 1
            if self._idle:
                return self._idle.pop()
        try:
            return self._make()
        except BaseException:
            self.give_up()
            raise

    def give_back(self, instance: LoadedInstance) -> None:
        """Return an instance that is well."""
        with self._returned:
            self._lent -= 1
            keep = not self._retired and instance.evaluations < RECYCLE_AFTER
            if keep:
                self._idle.append(instance)
            self._returned.notify()
        if not keep:
            instance.close()

    def give_up(self) -> None:
        """Take note that a lent instance is gone."""
        with self._returned:
            self._lent -= 1
            self._returned.notify()

    def retire(self) -> None:
        """Close idle instances, and from now on each one that is given back. Callers that wait are still served."""
        with self._returned:
            self._retired = True
            idle, self._idle = self._idle, []
        for instance in idle:
            instance.close()
