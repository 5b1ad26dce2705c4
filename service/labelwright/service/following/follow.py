"""Follows the registry's Watch in a separate thread for as long as the service runs."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import structlog
from labelwright.core.errors import DeadlineExceeded, LabelwrightError
from labelwright.service.registry_link import RegistryLink
from labelwright.service.target import Aliases
from labelwright.serving.background import Background
from labelwright.serving.backoff import Backoff
from labelwright.v1 import registry_service_pb2 as pb

_log = structlog.get_logger(__name__)
_RECONNECTS = Backoff(0.2, 5.0)
_STOP_SECONDS = 5.0
_SILENCE_SECONDS = 30.0
"""The registry sends something every few seconds; after this much silence the connection counts as dead."""


class Follower:
    """Keeps the aliases up to date and passes each new state on."""

    def __init__(self, registry: RegistryLink, on_change: Callable[[Aliases], None]) -> None:
        self._registry = registry
        self._on_change = on_change
        self._aliases = Aliases(0, {})
        self._heard = time.monotonic()
        self._told = False
        self.connected = False
        self.revision = 0
        self._watching = Background("watch", self._watch)
        self._guarding = Background("watch-guard", self._guard)

    def start(self) -> None:
        """Begin to follow."""
        self._watching.start()
        self._guarding.start()

    def stop(self) -> None:
        """Stop following."""
        self._watching.stopping.set()
        self._registry.interrupt_watch()
        self._watching.stop(_STOP_SECONDS)
        self._guarding.stop(_STOP_SECONDS)

    def _watch(self) -> None:
        stopping, failures = self._watching.stopping, 0
        while not stopping.is_set():
            self._heard = time.monotonic()
            try:
                for message in self._registry.watch(self.revision):
                    self._take(message)
                    failures = 0
            except DeadlineExceeded:
                continue  # a watch is renewed from time to time
            except Exception as error:
                # Not only LabelwrightError: nothing may end this thread while the service runs.
                if not stopping.is_set():
                    self._tell(error)
            self.connected = False
            failures += 1
            # With jitter, so that not all label servers come back to a restarted registry at once.
            stopping.wait(_RECONNECTS.pause(failures) * random.uniform(0.5, 1.0))  # noqa: S311

    def _tell(self, error: Exception) -> None:
        """Log that the registry is not there, once until it is there again."""
        if not self._told:
            self._told = True
            event = "registry lost; serving what is loaded" if self.connected else "registry not reached; trying again"
            reason = error.reason if isinstance(error, LabelwrightError) else type(error).__name__
            _log.warning(event, registry=self._registry.place, reason=reason)

    def _take(self, message: pb.WatchResponse) -> None:
        self._heard = time.monotonic()
        if not self.connected:
            self.connected, self._told = True, False
            _log.info("following the registry", revision=message.revision)
        changed = message.full or message.aliases or message.removed
        self.revision = message.revision
        if changed:
            aliases = self._aliases.changed_by(message)
            if message.full and aliases.table == self._aliases.table and self._aliases.revision:
                return  # a renewed watch repeats what is known
            self._aliases = aliases
            self._on_change(aliases)

    def _guard(self) -> None:
        while not self._guarding.stopping.wait(1.0):
            if time.monotonic() - self._heard > _SILENCE_SECONDS:
                self._registry.interrupt_watch()
