"""Aliases in the database: where each points, and the history of every move."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from labelwright.core.alias import Alias, AliasChange
from labelwright.core.errors import AliasMoved, NothingToRollBack, VersionNotFound
from labelwright.registry.store.database import Database
from labelwright.registry.store.models import AliasChangeRow, AliasRow, RevisionRow, VersionRow
from labelwright.registry.store.versions import no_alias, require_task
from sqlalchemy import delete, select
from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class Move:
    """A request to move an alias to a version.

    ``expected`` is the version that it must name now (0: it must not exist yet), None for any.
    """

    task: str
    alias: str
    version: int
    actor: str
    reason: str
    expected: int | None = None
    overridden: bool = False


class AliasStore:
    """Finds and moves aliases. Every move takes the next revision and writes a row of history."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self, task: str) -> list[Alias]:
        """Return the task's aliases, by name. Raises TaskNotFound."""
        with self._database.reading() as session:
            require_task(session, task)
            return aliases_of(session, task)

    def of_every_task(self) -> dict[str, list[Alias]]:
        """Return the aliases by task."""
        by_task: dict[str, list[Alias]] = {}
        with self._database.reading() as session:
            for alias in aliases_of(session):
                by_task.setdefault(alias.task, []).append(alias)
        return by_task

    def find(self, task: str, name: str) -> Alias | None:
        """Return the alias, or None. Raises TaskNotFound."""
        return next((alias for alias in self.all(task) if alias.name == name), None)

    def move(self, move: Move) -> tuple[Alias, bool]:
        """Return the alias after the move and whether it moved. Raises AliasMoved, VersionNotFound, TaskNotFound."""
        with self._database.writing() as session:
            revision = _lock_revision(session)
            require_task(session, move.task)
            row = session.get(AliasRow, (move.task, move.alias))
            current = row.version if row else 0
            if move.expected is not None and move.expected != current:
                raise alias_moved(move.task, move.alias, move.expected, current)
            if current != move.version:
                _require_version(session, move.task, move.version)
                _apply(session, revision, move, current)
            return _alias(session, move.task, move.alias), current != move.version

    def remove(self, task: str, name: str, actor: str, reason: str) -> int:
        """Remove the alias and return the revision of this change. Raises AliasNotFound, TaskNotFound."""
        with self._database.writing() as session:
            revision = _lock_revision(session)
            require_task(session, task)
            row = session.get(AliasRow, (task, name))
            if row is None:
                raise no_alias(task, name)
            _apply(session, revision, Move(task, name, 0, actor, reason), row.version)
            return revision

    def roll_back(
        self, task: str, name: str, actor: str, reason: str, expected: int | None = None
    ) -> tuple[Alias, int]:
        """Move the alias to the version that it named before, and return it and the version that it left.

        That version is the one below the top of the stack that ``version_stack`` describes. ``expected`` is the version
        that the alias must name now, None for any. Raises AliasMoved, NothingToRollBack, AliasNotFound, TaskNotFound.
        """
        with self._database.writing() as session:
            revision = _lock_revision(session)
            require_task(session, task)
            row = session.get(AliasRow, (task, name))
            if row is None:
                raise no_alias(task, name)
            if expected is not None and expected != row.version:
                raise alias_moved(task, name, expected, row.version)
            stack = version_stack(_changes(session, task, name))
            if len(stack) < 2:
                raise NothingToRollBack(
                    f"alias {name!r} of task {task!r} has no earlier version", advice="set it to a version by number"
                )
            from_version = row.version
            _apply(session, revision, Move(task, name, stack[-2], actor, reason), from_version, rollback=True)
            return _alias(session, task, name), from_version

    def history(self, task: str, name: str, size: int, before: int | None) -> list[AliasChange]:
        """Return up to ``size`` changes with revisions below ``before``, newest first.

        Of all aliases where ``name`` is empty. Raises TaskNotFound.
        """
        query = select(AliasChangeRow).where(AliasChangeRow.task == task)
        if name:
            query = query.where(AliasChangeRow.alias == name)
        if before is not None:
            query = query.where(AliasChangeRow.revision < before)
        with self._database.reading() as session:
            require_task(session, task)
            rows = session.scalars(query.order_by(AliasChangeRow.revision.desc()).limit(size))
            return [_change(row) for row in rows]


def version_stack(changes: Iterable[AliasChange]) -> list[int]:
    """Return the versions that an alias has named, oldest first, without those that were rolled back.

    A move pushes its version, a rollback pops the top, a removal clears all. So repeated rollbacks go further and
    further back, and never back and forth.
    """
    stack: list[int] = []
    for change in changes:
        if not change.to_version:
            stack.clear()
        elif change.rollback:
            stack.pop()
        else:
            stack.append(change.to_version)
    return stack


def _lock_revision(session: Session) -> int:
    """Lock the counter until the commit and return the next revision. This serializes all changes of aliases."""
    row = session.scalars(select(RevisionRow).with_for_update()).one()
    return row.value + 1


def _apply(session: Session, revision: int, move: Move, current: int, *, rollback: bool = False) -> None:
    session.get_one(RevisionRow, 1).value = revision
    session.add(
        AliasChangeRow(
            revision=revision,
            task=move.task,
            alias=move.alias,
            from_version=current,
            to_version=move.version,
            changed_at=datetime.now(UTC),
            actor=move.actor,
            reason=move.reason,
            overridden=move.overridden,
            rollback=rollback,
        )
    )
    if move.version:
        session.merge(AliasRow(task=move.task, name=move.alias, version=move.version, revision=revision))
    else:
        session.execute(delete(AliasRow).where(AliasRow.task == move.task, AliasRow.name == move.alias))
    session.flush()


def aliases_of(session: Session, task: str | None = None, name: str | None = None) -> list[Alias]:
    """Return the aliases by task and name: all, a task's, or the one of that name."""
    query = (
        select(AliasRow, VersionRow.digest)
        .join(VersionRow, (VersionRow.task == AliasRow.task) & (VersionRow.number == AliasRow.version))
        .order_by(AliasRow.task, AliasRow.name)
    )
    if task is not None:
        query = query.where(AliasRow.task == task)
    if name is not None:
        query = query.where(AliasRow.name == name)
    return [Alias(row.task, row.name, row.version, digest, row.revision) for row, digest in session.execute(query)]


def _alias(session: Session, task: str, name: str) -> Alias:
    return aliases_of(session, task, name)[0]


def _changes(session: Session, task: str, name: str) -> list[AliasChange]:
    query = select(AliasChangeRow).where(AliasChangeRow.task == task, AliasChangeRow.alias == name)
    return [_change(row) for row in session.scalars(query.order_by(AliasChangeRow.revision))]


def _change(row: AliasChangeRow) -> AliasChange:
    return AliasChange(
        row.revision,
        row.task,
        row.alias,
        row.from_version,
        row.to_version,
        row.changed_at,
        row.actor,
        row.reason,
        row.overridden,
        row.rollback,
    )


def _require_version(session: Session, task: str, number: int) -> None:
    if session.get(VersionRow, (task, number)) is None:
        raise VersionNotFound(f"task {task!r} has no version {number}", advice="list the task's versions", task=task)


def alias_moved(task: str, alias: str, expected: int, current: int) -> AliasMoved:
    """Return the error for an alias that was moved; a version of 0 means that it does not, or should not, exist."""
    where = f"names version {current}" if current else "does not exist"
    return AliasMoved(
        f"alias {alias!r} of task {task!r} {where}, not version {expected} as expected",
        advice="look at the alias's history, then decide again",
        task=task,
        alias=alias,
        present=current,
    )
