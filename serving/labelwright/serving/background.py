"""A thread beside the requests, told to stop when the service does."""

from __future__ import annotations

import threading
from collections.abc import Callable

_STOP_SECONDS = 2.0


class Background:
    """Runs ``run`` in a daemon thread; ``run`` looks at ``stopping`` and ends soon after it is set."""

    def __init__(self, name: str, run: Callable[[], None]) -> None:
        self.stopping = threading.Event()
        self._thread = threading.Thread(target=run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Ask for the end and wait for it a little; also where it never began."""
        self.stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=_STOP_SECONDS)
