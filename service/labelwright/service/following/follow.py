"""Follows the registry's Watch in a thread of its own, for as long as the service runs."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from typing import Protocol

import structlog
from labelwright.core.errors import DeadlineExceeded, LabelwrightError
from labelwright.service.target import Aliases
from labelwright.v1 import registry_service_pb2 as pb

_log = structlog.get_logger(__name__)
_FIRST_DELAY, _LAST_DELAY = 0.2, 5.0
_SILENCE_SECONDS = 30.0
"""The registry sends something every few seconds; after this long the connection is taken for dead."""


class Watch(Protocol):
    """The registry's Watch."""

    def watch(self, since_revision: int) -> Iterator[pb.WatchResponse]:
        """Yield messages until the connection ends."""
        ...

    def interrupt_watch(self) -> None:
        """End it."""
        ...


class Follower:
    """Keeps the aliases up to date and hands each new state on."""

    def __init__(self, registry: Watch, on_change: Callable[[Aliases], None]) -> None:
        self._registry = registry
        self._on_change = on_change
        self._aliases = Aliases(0, {})
        self._heard = time.monotonic()
        self.connected = False
        self.revision = 0
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, name="watch", daemon=True),
            threading.Thread(target=self._guard, name="watch-guard", daemon=True),
        ]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End, and wait for it."""
        self._stop.set()
        self._registry.interrupt_watch()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(timeout=5)

    def _run(self) -> None:
        delay = _FIRST_DELAY
        while not self._stop.is_set():
            self._heard = time.monotonic()
            try:
                for message in self._registry.watch(self.revision):
                    self._take(message)
                    delay = _FIRST_DELAY
            except DeadlineExceeded:
                continue  # a watch is renewed now and then
            except Exception as error:
                # Not LabelwrightError alone: nothing may end this thread while the service runs.
                if self.connected and not self._stop.is_set():
                    reason = error.reason if isinstance(error, LabelwrightError) else type(error).__name__
                    _log.warning("registry lost; serving what is loaded", reason=reason)
            self.connected = False
            # Spread out, so that a restarted registry does not meet every label server at once.
            self._stop.wait(delay * random.uniform(0.5, 1.0))  # noqa: S311
            delay = min(delay * 2, _LAST_DELAY)

    def _take(self, message: pb.WatchResponse) -> None:
        self._heard = time.monotonic()
        if not self.connected:
            self.connected = True
            _log.info("following the registry", revision=message.revision)
        changed = message.full or message.aliases or message.removed
        self.revision = message.revision
        if changed:
            aliases = self._aliases.changed_by(message)
            if message.full and aliases.table == self._aliases.table and self._aliases.revision:
                return  # a renewed watch that says what was known
            self._aliases = aliases
            self._on_change(aliases)

    def _guard(self) -> None:
        while not self._stop.wait(1.0):
            if time.monotonic() - self._heard > _SILENCE_SECONDS:
                self._registry.interrupt_watch()
