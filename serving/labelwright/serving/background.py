"""Threads beside the requests: started here only, always daemons, never ended by an error without a word in the log."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog
from labelwright.serving.logs import places_of

_STACK_BYTES = 8 << 20
"""What WebAssembly code needs, whatever the system's default for threads."""

_log = structlog.get_logger(__name__)


def use_deep_stacks() -> None:
    """Give every thread that is started from now on, in pools too, a stack on which WebAssembly code can run."""
    threading.stack_size(_STACK_BYTES)


def start_thread(name: str, run: Callable[[], object]) -> threading.Thread:
    """Run ``run`` in a daemon thread and return the thread."""
    thread = threading.Thread(target=_guarded, args=(name, run), name=name, daemon=True)
    thread.start()
    return thread


class Background:
    """Runs ``run`` in a thread; ``run`` looks at ``stopping`` and ends soon after it is set."""

    def __init__(self, name: str, run: Callable[[], object]) -> None:
        self.stopping = threading.Event()
        self._name = name
        self._run = run
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread."""
        self._thread = start_thread(self._name, self._run)

    def stop(self, seconds: float | None = 2.0) -> None:
        """Ask the thread to end and wait for it so long, for ever where None. Does no harm where it never started."""
        self.stopping.set()
        if self._thread is not None:
            self._thread.join(seconds)


def _guarded(name: str, run: Callable[[], object]) -> None:
    try:
        run()
    except Exception as error:
        _log.error("a thread failed", thread=name, error=type(error).__name__, places=places_of(error))
