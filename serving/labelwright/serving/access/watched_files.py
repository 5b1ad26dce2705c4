"""Files that operators change while a server runs: certificates, tokens."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from pathlib import Path

_SECONDS = 1.0
"""How often the files are looked at, at most: a change counts from then on."""


class WatchedFiles:
    """Tells when one of some files has become another one. Safe to use from several threads."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = tuple(paths)
        self._lock = threading.Lock()
        self._seen = self._look()
        self._next = 0.0

    def have_changed(self) -> bool:
        """Whether a file has changed since this was true the last time; true once for each change."""
        now = time.monotonic()
        if now < self._next:
            return False
        with self._lock:
            self._next = now + _SECONDS
            found = self._look()
            changed, self._seen = found != self._seen, found
        return changed

    def _look(self) -> list[tuple[int, int, int] | None]:
        return [_mark(path) for path in self._paths]


def _mark(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
