"""The clock behind time limits: wasmtime's epoch, advanced by one thread while calls are under way."""

from __future__ import annotations

import math
import threading
import time
from types import TracebackType

from wasmtime import Engine

TICK_SECONDS = 0.002


class EpochClock:
    """Advances an engine's epoch every TICK_SECONDS while at least one call is inside ``with clock:``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._calls = 0
        self._closed = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="labelwright-epoch", daemon=True)
        self._thread.start()

    @staticmethod
    def ticks(seconds: float) -> int:
        """Return how many ticks a call of at most ``seconds`` may see: never fewer than fit into that time."""
        return math.ceil(max(seconds, 0.0) / TICK_SECONDS) + 1

    def __enter__(self) -> None:
        with self._changed:
            self._calls += 1
            if self._calls == 1:
                self._changed.notify()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._changed:
            self._calls -= 1

    def close(self) -> None:
        """Stop the thread once no call is running. Calls after this have no time limit."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._calls and not self._closed:
                    self._changed.wait()
                if not self._calls:
                    return
            time.sleep(TICK_SECONDS)
            self._engine.increment_epoch()
