"""Loaded programs that are kept while there is memory for them, and loaded again where there was not."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import Executor, Future

from labelwright.core.errors import DeadlineExceeded
from labelwright.sandbox.backend.pool import InstancePool
from labelwright.sandbox.backend.snapshot import Snapshot


class KeptSnapshot:
    """A snapshot that the pool may give up between calls. Safe to use from several threads."""

    def __init__(
        self, pool: InstancePool, snapshot: Snapshot | None, load: Callable[[], Snapshot], loading: Executor
    ) -> None:
        """``load`` makes the snapshot where there is none, or not any more, and gives it to the pool.

        It runs in ``loading``, so that it goes on when a caller's deadline passes. It raises InstanceFault, Overloaded.
        """
        self._pool = pool
        self._load = load
        self._executor = loading
        self._snapshot = _reference(snapshot)
        self._loading: Future[Snapshot] | None = None
        self._closed = False
        self._lock = threading.Lock()

    def get(self, deadline: float | None) -> Snapshot:
        """Return the snapshot; hold it for one call only.

        Raises DeadlineExceeded, and what loading it raises.
        """
        snapshot = self._snapshot()
        if snapshot is not None and not snapshot.is_retired:
            return snapshot
        try:
            return self._begin().result(None if deadline is None else max(0.0, deadline - time.monotonic()))
        except TimeoutError:
            raise DeadlineExceeded("the deadline passed while programs were loaded", advice="ask again") from None

    def is_ready(self) -> bool:
        """Whether ``get`` need not wait; where it would, loading begins."""
        snapshot = self._snapshot()
        if snapshot is not None and not snapshot.is_retired:
            return True
        self._begin()
        return False

    def close(self) -> None:
        """Free the memory. Calls under way finish first."""
        with self._lock:
            self._closed = True
        if (snapshot := self._snapshot()) is not None:
            self._pool.retire(snapshot)

    def _begin(self) -> Future[Snapshot]:
        with self._lock:
            if self._loading is None:
                self._loading = self._executor.submit(self._load_again)
            return self._loading

    def _load_again(self) -> Snapshot:
        try:
            snapshot = self._load()
            self._snapshot = _reference(snapshot)
        finally:
            with self._lock:
                self._loading = None
        if self._closed:
            self._pool.retire(snapshot)
        return snapshot


def _reference(snapshot: Snapshot | None) -> Callable[[], Snapshot | None]:
    """Return a weak reference: the pool alone holds the snapshot, so that it can give it up."""
    return (lambda: None) if snapshot is None else weakref.ref(snapshot)
