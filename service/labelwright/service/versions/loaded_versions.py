"""The versions that are loaded: those of the preloaded aliases, and the last few that were requested."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Collection
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotInTime

from labelwright.core.errors import DeadlineExceeded, LabelwrightError, Unavailable
from labelwright.service.target import VersionTarget
from labelwright.service.versions.live_version import LiveVersion
from labelwright.service.versions.loading import Loader

_LOADS_AT_ONCE = 2
_FAILURE_SECONDS = 1.0
"""How long a failed load is remembered, so that requests for a broken version cost nothing."""


class LoadedVersions:
    """Loads each version once, however many callers ask for it at the same time, and closes those no longer needed."""

    def __init__(self, loader: Loader, unpinned: int) -> None:
        """``unpinned`` versions stay loaded though no preloaded alias names them."""
        self._loader = loader
        self._max_unpinned = unpinned
        self._lock = threading.Lock()
        self._loaded: OrderedDict[str, LiveVersion] = OrderedDict()
        self._loading: dict[str, Future[LiveVersion]] = {}
        self._failed: dict[str, tuple[float, LabelwrightError]] = {}
        self._pinned: frozenset[str] = frozenset()
        self._executor = ThreadPoolExecutor(_LOADS_AT_ONCE, thread_name_prefix="load")

    def acquire(self, target: VersionTarget, deadline: float) -> LiveVersion:
        """Return the version with a reference taken, loading it where necessary.

        ``deadline`` is a ``time.monotonic()`` value. Raises DeadlineExceeded, and LabelwrightError where loading fails.
        """
        while True:
            with self._lock:
                version = self._loaded.get(target.digest)
                if version is not None and version.acquire():
                    self._loaded.move_to_end(target.digest)
                    return version
                loading = self._loading.get(target.digest) or self._start(target)
            try:
                loading.result(timeout=max(deadline - time.monotonic(), 0))
            except NotInTime:
                raise DeadlineExceeded(
                    f"version {target.number} of {target.task!r} is being loaded", advice="ask again"
                ) from None

    def pin(self, digests: Collection[str], tasks: Collection[str]) -> None:
        """Keep these versions loaded, and no versions of other ``tasks`` than these."""
        with self._lock:
            self._pinned = frozenset(digests)
            foreign = [digest for digest, version in self._loaded.items() if version.target.task not in tasks]
            unneeded = [self._loaded.pop(digest) for digest in foreign if digest not in self._pinned] + self._surplus()
        for version in unneeded:
            version.release()

    def versions(self) -> list[LiveVersion]:
        """Return what is loaded now, without references: for figures, not for labeling."""
        with self._lock:
            return list(self._loaded.values())

    def close(self) -> None:
        """Take all versions out of use; each is closed after its last request."""
        self._executor.shutdown(wait=True, cancel_futures=True)
        with self._lock:
            versions = list(self._loaded.values())
            self._loaded.clear()
        for version in versions:
            version.release()

    def _start(self, target: VersionTarget) -> Future[LiveVersion]:
        since, error = self._failed.get(target.digest, (0.0, None))
        if error and time.monotonic() - since < _FAILURE_SECONDS:
            raise error.with_traceback(None)
        # In a thread of the pool and not the caller's, so that the load goes on when the caller's deadline passes.
        loading = self._executor.submit(self._load, target)
        self._loading[target.digest] = loading
        return loading

    def _load(self, target: VersionTarget) -> LiveVersion:
        try:
            version = self._loader.load(target)
        except Exception as error:
            failure = error if isinstance(error, LabelwrightError) else Unavailable("a version could not be loaded")
            # Without the frames that it came through: these hold what was loaded so far.
            failure.__traceback__ = failure.__cause__ = failure.__context__ = None
            with self._lock:
                self._failed[target.digest] = (time.monotonic(), failure)
                self._loading.pop(target.digest, None)
            raise failure from None
        with self._lock:
            self._failed.pop(target.digest, None)
            self._loading.pop(target.digest, None)
            self._loaded[target.digest] = version
            unneeded = self._surplus(keep=target.digest)
        for old in unneeded:
            old.release()
        return version

    def _surplus(self, keep: str = "") -> list[LiveVersion]:
        unpinned = [digest for digest in self._loaded if digest not in self._pinned and digest != keep]
        room = max(self._max_unpinned - (1 if keep and keep not in self._pinned else 0), 0)
        return [self._loaded.pop(digest) for digest in unpinned[: max(len(unpinned) - room, 0)]]
