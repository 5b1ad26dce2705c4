"""Follows the registry's Watch in a separate thread for as long as the service runs."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import structlog
from labelwright.core.errors import DeadlineExceeded, LabelwrightError
from labelwright.service.following.objection import objection
from labelwright.service.registry_link import RegistryLink
from labelwright.service.target import Aliases
from labelwright.service.versions.bundle_fetcher import BundleFetcher
from labelwright.service.versions.bundle_store import STATE_FILE, BundleStore
from labelwright.serving.background import Background
from labelwright.serving.backoff import Backoff
from labelwright.v1 import registry_service_pb2 as pb

_log = structlog.get_logger(__name__)
_RECONNECTS = Backoff(0.2, 5.0)
_STOP_SECONDS = 5.0
_SILENCE_SECONDS = 30.0
"""The registry sends something every few seconds; after this much silence the connection counts as dead."""


class Follower:
    """Keeps the aliases up to date and passes each new state on.

    A registry that is another one, or lost tasks, is not followed until a person agrees by removing the file of the
    last good aliases.
    """

    def __init__(
        self,
        registry: RegistryLink,
        bundles: BundleFetcher,
        store: BundleStore,
        on_change: Callable[[Aliases], None],
    ) -> None:
        self._registry = registry
        self._bundles = bundles
        self._store = store
        self._on_change = on_change
        self._said = Aliases(0, {})
        """What the registry says."""
        self._followed: Aliases | None = None
        """What was passed on last."""
        self._known = store.read_aliases() or Aliases(0, {})
        """What is followed, or before the registry was heard what the disk holds."""
        bundles.follow(self._known.incarnation)
        self._heard = time.monotonic()
        self._told = False
        self._may_agree = False
        self.connected = False
        self.refused = False
        """Whether the registry is heard but not followed."""
        self._watching = Background("watch", self._watch)
        self._guarding = Background("watch-guard", self._guard)

    @property
    def revision(self) -> int:
        """The registry's revision that was heard last."""
        return self._said.revision

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
                for message in self._registry.watch():
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
        self._said = self._said.changed_by(message)
        reconnected, self.connected, self._told = not self.connected, True, False
        if against := self._objection():
            self._refuse(against)
            return
        if reconnected or self.refused:
            _log.info("following the registry", revision=message.revision)
        if reconnected or self._said.incarnation != self._known.incarnation:
            self._bundles.follow(self._said.incarnation)
        self.refused = False
        self._known = self._said
        # A renewed watch repeats what is known.
        if self._followed is None or not self._said.is_like(self._followed):
            self._followed = self._said
            self._on_change(self._said)

    def _objection(self) -> str:
        known = self._known
        if self.refused and self._may_agree:
            # A person agrees by removing the file. Another process of this service may have written it anew by now.
            known = (self._store.read_aliases() or known) if self._store.has_aliases() else Aliases(0, {})
        return objection(known, self._said, self._registry.tasks)

    def _refuse(self, against: str) -> None:
        if not self.refused:
            self.refused = True
            # Where the disk cannot be written there is no file to remove, and only a new start agrees.
            self._may_agree = self._store.has_aliases()
            _log.error(
                "the registry is not followed; serving what is loaded",
                objection=against,
                registry=self._registry.place,
                advice=f"mend the registry; or to follow it as it is, remove {STATE_FILE} from the data folder",
            )

    def _guard(self) -> None:
        while not self._guarding.stopping.wait(1.0):
            if time.monotonic() - self._heard > _SILENCE_SECONDS:
                self._registry.interrupt_watch()
