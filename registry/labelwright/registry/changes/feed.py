"""The feed of alias changes: what watchers are sent, in the order of revisions, whichever process made the change."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import structlog
from labelwright.core.alias import Alias
from labelwright.core.errors import LabelwrightError, Overloaded, Unavailable
from labelwright.registry.store.aliases import aliases_of
from labelwright.registry.store.database import Database
from labelwright.registry.store.identity import Identity, read_identity
from labelwright.registry.store.models import AliasChangeRow, RevisionRow
from labelwright.serving.background import Background
from sqlalchemy import select
from sqlalchemy.orm import Session

MAX_REPLAY = 1000
"""Changes. A watcher that missed more is sent the full state, which is smaller or at least simpler."""

_RETRY_SECONDS = 5.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Update:
    """The content of one message: the full state, or the aliases that moved and those that were removed.

    A removed alias has version 0 and no digest.
    """

    revision: int
    identity: Identity
    full: bool = False
    aliases: tuple[Alias, ...] = ()
    removed: tuple[Alias, ...] = ()

    def only(self, tasks: frozenset[str]) -> Update:
        """Return the update with the aliases of these tasks only; of all tasks where ``tasks`` is empty."""
        if not tasks:
            return self
        aliases, removed = (
            tuple(alias for alias in part if alias.task in tasks) for part in (self.aliases, self.removed)
        )
        return replace(self, aliases=aliases, removed=removed)


class Feed:
    """Wakes watchers when the registry's revision advances.

    One thread reads the counter, so that changes made by other processes are seen within ``poll_seconds``; changes
    of this process come at once through ``advance``. Watchers that know the same revision share one read. Where the
    database is restored meanwhile, they are sent the full state.
    """

    def __init__(
        self,
        database: Database,
        *,
        poll_seconds: float,
        heartbeat_seconds: float,
        max_watchers: int,
        on_reachable: Callable[[bool], None],
    ) -> None:
        """``on_reachable`` is called with False when the database stops answering, with True when it answers again."""
        self._database = database
        self._poll_seconds = poll_seconds
        self._heartbeat_seconds = heartbeat_seconds
        self._max_watchers = max_watchers
        self._on_reachable = on_reachable
        self._changed = threading.Condition()
        self._revision = 0
        with database.reading() as session:
            self._identity = read_identity(session)
        self._lives = 0
        """How often the database has gone back to another state; what was read before is worth nothing after."""
        self._watchers = 0
        self._reading = threading.Lock()
        self._last_read: tuple[tuple[object, ...], Update] | None = None
        self._background = Background("alias-feed", self._poll)
        self._stopping = self._background.stopping

    @property
    def identity(self) -> Identity:
        """The database's identity, as it was last read."""
        return self._identity

    @property
    def watchers(self) -> int:
        """How many Watch streams are open."""
        return self._watchers

    def start(self) -> None:
        """Start to look for changes."""
        self._background.start()

    def close(self) -> None:
        """End every watch at once."""
        self._stopping.set()
        self.poke()
        self._background.stop(None)

    def advance(self, revision: int) -> None:
        """Tell watchers that the registry is at ``revision`` now."""
        with self._changed:
            self._revision = max(self._revision, revision)
            self._changed.notify_all()

    def poke(self) -> None:
        """Make watchers check whether their caller is still connected."""
        with self._changed:
            self._changed.notify_all()

    def watch(
        self, since: int, incarnation: str, tasks: frozenset[str], is_active: Callable[[], bool]
    ) -> Iterator[Update]:
        """Yield what changed after revision ``since``, then each change, and an empty update at each heartbeat.

        The first update is the full state where ``since`` is 0, too long ago, in the future, or of another
        ``incarnation``: then the database was restored from a backup. An empty one is not compared. Raises Overloaded,
        and Unavailable when the registry shuts down.
        """
        with self._counted():
            update = self._read(since or None, incarnation)
            yield update.only(tasks)
            while self._wait_beyond(update, is_active):
                if self._is_news(update):
                    update = self._read(update.revision, update.identity.incarnation)
                else:
                    update = Update(update.revision, update.identity)
                yield update.only(tasks)

    def _is_news(self, known: Update) -> bool:
        # Not only a higher revision: a database that was restored goes back.
        return self._revision != known.revision or self._identity != known.identity

    def _wait_beyond(self, known: Update, is_active: Callable[[], bool]) -> bool:
        """Wait for a change or the heartbeat. Returns False where the caller has disconnected."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._is_news(known) or self._stopping.is_set() or not is_active(), self._heartbeat_seconds
            )
        if self._stopping.is_set():
            raise Unavailable("the registry is shutting down", advice="watch again from the last revision")
        return is_active()

    @contextmanager
    def _counted(self) -> Iterator[None]:
        with self._changed:
            if self._watchers >= self._max_watchers:
                raise Overloaded(
                    f"the registry has {self._max_watchers} watchers already",
                    retry_after=_RETRY_SECONDS,
                    advice="raise LABELWRIGHT_REGISTRY_MAX_WATCHERS, or run another registry on the same database",
                )
            self._watchers += 1
        try:
            yield
        finally:
            with self._changed:
                self._watchers -= 1

    def _read(self, since: int | None, incarnation: str) -> Update:
        with self._reading:
            known = self._revision
            key = (since, incarnation, known, self._lives)
            if self._last_read and self._last_read[0] == key:
                return self._last_read[1]
            with self._database.reading() as session:
                update = read_update(session, since, incarnation)
            self._last_read = (key, update)
        self._saw(update.revision, update.identity, known)
        return update

    def _saw(self, revision: int, identity: Identity, known: int) -> None:
        """Take what the database says, which was asked when it had come to the revision ``known``, if not further."""
        with self._changed:
            went_back = revision < known or identity != self._identity
            self._lives += went_back
            self._identity = identity
            self._revision = revision if went_back else max(self._revision, revision)
            self._changed.notify_all()

    def _poll(self) -> None:
        reachable = True
        while not self._stopping.wait(self._poll_seconds):
            was_reachable = reachable
            try:
                known = self._revision
                with self._database.reading() as session:
                    revision, identity = session.scalars(select(RevisionRow.value)).one(), read_identity(session)
                self._saw(revision, identity, known)
                reachable = True
            except LabelwrightError as error:
                reachable = False
                if was_reachable:
                    _log.warning("database unreachable", error=error.message)
            if reachable != was_reachable:
                self._on_reachable(reachable)


def read_update(session: Session, since: int | None, incarnation: str = "", max_replay: int = MAX_REPLAY) -> Update:
    """Return what changed after revision ``since`` of the ``incarnation``, which is not compared where it is empty.

    It is the full state where ``since`` is None, in the future or of another incarnation, or more than ``max_replay``
    changes were missed.
    """
    revision = session.scalars(select(RevisionRow.value)).one()
    identity = read_identity(session)
    if (
        since is None
        or since > revision
        or revision - since > max_replay
        or incarnation not in ("", identity.incarnation)
    ):
        return Update(revision, identity, full=True, aliases=tuple(aliases_of(session)))
    if since == revision:
        return Update(revision, identity)
    query = select(AliasChangeRow.task, AliasChangeRow.alias).where(AliasChangeRow.revision > since).distinct()
    changed_names = {(task, name) for task, name in session.execute(query)}
    changed_aliases = [alias for alias in aliases_of(session) if (alias.task, alias.name) in changed_names]
    removed_names = changed_names - {(alias.task, alias.name) for alias in changed_aliases}
    return Update(
        revision,
        identity,
        aliases=tuple(sorted(changed_aliases, key=lambda alias: alias.revision)),
        removed=tuple(Alias(task, name, 0, "", revision) for task, name in sorted(removed_names)),
    )
