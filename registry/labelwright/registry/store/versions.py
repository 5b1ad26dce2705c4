"""Versions in the database: accepted bundles, numbered per task."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from labelwright.core.errors import AliasNotFound, TaskNotFound, VersionNotFound
from labelwright.core.report import Report, report_from_json, report_to_json
from labelwright.registry.store.database import Database
from labelwright.registry.store.models import AliasRow, TaskRow, VersionRow
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """One accepted bundle, with the aliases that point to it now."""

    task: str
    number: int
    digest: str
    author: str
    message: str
    created_at: datetime
    programs: tuple[str, ...]
    labels: tuple[str, ...]
    report: Report
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NewVersion:
    """What a push adds; the store chooses number and time."""

    task: str
    digest: str
    author: str
    message: str
    programs: tuple[str, ...]
    labels: tuple[str, ...]
    report: Report


class VersionStore:
    """Finds and adds versions."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, new: NewVersion, before_commit: Callable[[], None]) -> tuple[StoredVersion, bool]:
        """Return the version of this content and whether it is new. Raises what ``before_commit`` raises.

        Pushes of one task are serialized: the task's row is locked until the commit.
        """
        with self._database.writing() as session:
            _lock_task(session, new.task)
            number = session.scalar(
                select(VersionRow.number).where(VersionRow.task == new.task, VersionRow.digest == new.digest)
            )
            created = number is None
            if created:
                newest = session.scalar(select(func.max(VersionRow.number)).where(VersionRow.task == new.task))
                number = (newest or 0) + 1
                session.add(_row(new, number))
                session.flush()
            before_commit()
            assert number is not None
            return _load(session, new.task, VersionRow.number == number), created

    def by_number(self, task: str, number: int) -> StoredVersion:
        """Return the version. Raises TaskNotFound, VersionNotFound."""
        with self._database.reading() as session:
            require_task(session, task)
            return _load(session, task, VersionRow.number == number, f"version {number}")

    def by_digest(self, task: str, digest: str) -> StoredVersion:
        """Return the version. Raises TaskNotFound, VersionNotFound."""
        with self._database.reading() as session:
            require_task(session, task)
            return _load(session, task, VersionRow.digest == digest, "version of this digest")

    def with_digest(self, digest: str) -> StoredVersion | None:
        """Return the version of this content, None where there is none; the content names its task."""
        with self._database.reading() as session:
            row = session.scalar(select(VersionRow).where(VersionRow.digest == digest))
            return _with_aliases(session, [row])[0] if row else None

    def by_alias(self, task: str, alias: str) -> StoredVersion:
        """Return the version that the alias names. Raises TaskNotFound, AliasNotFound."""
        with self._database.reading() as session:
            require_task(session, task)
            number = session.scalar(select(AliasRow.version).where(AliasRow.task == task, AliasRow.name == alias))
            if number is None:
                raise no_alias(task, alias)
            return _load(session, task, VersionRow.number == number)

    def page(self, task: str, size: int, before: int | None) -> list[StoredVersion]:
        """Return up to ``size`` versions with numbers below ``before``, newest first. Raises TaskNotFound."""
        query = select(VersionRow).where(VersionRow.task == task).order_by(VersionRow.number.desc()).limit(size)
        if before is not None:
            query = query.where(VersionRow.number < before)
        with self._database.reading() as session:
            require_task(session, task)
            return _with_aliases(session, session.scalars(query).all())

    def latest(self) -> list[StoredVersion]:
        """Return each task's newest version, by the task's name."""
        newest = select(VersionRow.task, func.max(VersionRow.number).label("number")).group_by(VersionRow.task)
        top = newest.subquery()
        query = (
            select(VersionRow)
            .join(top, (VersionRow.task == top.c.task) & (VersionRow.number == top.c.number))
            .order_by(VersionRow.task)
        )
        with self._database.reading() as session:
            return _with_aliases(session, session.scalars(query).all())

    def count(self) -> int:
        """Return how many versions there are."""
        with self._database.reading() as session:
            return session.scalar(select(func.count()).select_from(VersionRow)) or 0


def require_task(session: Session, task: str) -> None:
    """Raise TaskNotFound where the task has no version."""
    if session.get(TaskRow, task) is None:
        raise no_task(task)


def no_task(task: str) -> TaskNotFound:
    """Return the error that says so."""
    return TaskNotFound(
        f"there is no task {ascii(task)[:80]}", advice="a task is made by pushing a bundle", task=ascii(task)[1:-1][:80]
    )


def no_alias(task: str, alias: str) -> AliasNotFound:
    """Return the error that says so."""
    return AliasNotFound(
        f"task {task!r} has no alias {ascii(alias)[:80]}",
        advice="set the alias first, or name a version by its number",
        task=task,
        alias=ascii(alias)[1:-1][:80],
    )


def _lock_task(session: Session, task: str) -> None:
    # Both dialects have the ON CONFLICT clause, each in a class of its own.
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    session.execute(insert(TaskRow).values(name=task, created_at=datetime.now(UTC)).on_conflict_do_nothing())
    session.execute(select(TaskRow).where(TaskRow.name == task).with_for_update(key_share=True))


def _row(new: NewVersion, number: int) -> VersionRow:
    return VersionRow(
        task=new.task,
        number=number,
        digest=new.digest,
        author=new.author,
        message=new.message,
        created_at=datetime.now(UTC),
        programs=list(new.programs),
        labels=list(new.labels),
        report=report_to_json(new.report),
    )


def _load(session: Session, task: str, condition: ColumnElement[bool], what: str = "such version") -> StoredVersion:
    row = session.scalar(select(VersionRow).where(VersionRow.task == task, condition))
    if row is None:
        raise VersionNotFound(f"task {task!r} has no {what}", advice="list the task's versions", task=task)
    return _with_aliases(session, [row])[0]


def _with_aliases(session: Session, rows: Sequence[VersionRow]) -> list[StoredVersion]:
    aliases: dict[tuple[str, int], list[str]] = {}
    query = select(AliasRow).where(AliasRow.task.in_({row.task for row in rows})).order_by(AliasRow.name)
    for alias in session.scalars(query):
        aliases.setdefault((alias.task, alias.version), []).append(alias.name)
    return [
        StoredVersion(
            row.task,
            row.number,
            row.digest,
            row.author,
            row.message,
            row.created_at,
            tuple(row.programs),
            tuple(row.labels),
            report_from_json(row.report),
            tuple(aliases.get((row.task, row.number), ())),
        )
        for row in rows
    ]
