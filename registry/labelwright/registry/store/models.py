"""The tables. The first version of a task creates it.

Everything but ``aliases``, the counter, the identity, ``runs`` and ``run_files`` is append-only.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    TypeDecorator,
)
from sqlalchemy import UniqueConstraint as Unique
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC. SQLite stores no time zone, so the zone is added when a value is read."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Return the moment in UTC."""
        return value and value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Return the moment with its zone."""
        return value and (value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC))


class Base(DeclarativeBase):
    """Maps Python's types to columns that hold the full range of the contract's numbers on every database."""

    type_annotation_map = {  # noqa: RUF012 (SQLAlchemy declares it so)
        int: BigInteger,
        float: Float(53),
        bytes: LargeBinary,
        str: Text,
        datetime: UtcDateTime,
        list[str]: JSON,
        dict[str, Any]: JSON,
    }


class TaskRow(Base):
    """A task that has at least one version."""

    __tablename__ = "tasks"

    name: Mapped[str] = mapped_column(String(63), primary_key=True)
    created_at: Mapped[datetime]


class VersionRow(Base):
    """An accepted bundle. Numbers count from 1 without gaps within a task."""

    __tablename__ = "versions"
    __table_args__ = (Unique("task", "digest", name="uq_versions_task_digest"),)

    task: Mapped[str] = mapped_column(ForeignKey("tasks.name", name="fk_versions_task"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    digest: Mapped[str] = mapped_column(String(71), index=True)
    author: Mapped[str]
    message: Mapped[str]
    created_at: Mapped[datetime]
    programs: Mapped[list[str]]
    labels: Mapped[list[str]]
    report: Mapped[dict[str, Any]]


class AliasRow(Base):
    """Where an alias points now."""

    __tablename__ = "aliases"
    __table_args__ = (
        ForeignKeyConstraint(["task", "version"], ["versions.task", "versions.number"], name="fk_aliases_version"),
    )

    task: Mapped[str] = mapped_column(String(63), primary_key=True)
    name: Mapped[str] = mapped_column(String(63), primary_key=True)
    version: Mapped[int]
    revision: Mapped[int]


class AliasChangeRow(Base):
    """One move of an alias: who, when, from, to, why. A version of 0 means none."""

    __tablename__ = "alias_changes"
    __table_args__ = (Index("ix_alias_changes_alias", "task", "alias", "revision"),)

    revision: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    task: Mapped[str] = mapped_column(ForeignKey("tasks.name", name="fk_alias_changes_task"))
    alias: Mapped[str] = mapped_column(String(63))
    from_version: Mapped[int]
    to_version: Mapped[int]
    changed_at: Mapped[datetime]
    actor: Mapped[str]
    reason: Mapped[str]
    overridden: Mapped[bool] = mapped_column(Boolean)
    rollback: Mapped[bool] = mapped_column(Boolean)


class RevisionRow(Base):
    """The one row that counts alias changes.

    A sequence does not suffice: it gives out numbers before the transactions commit, so a watcher could see revision 8,
    move on, and miss 7 when that commits later. This row stays locked until the change that took the number is
    committed, so revisions become visible in order and without gaps.
    """

    __tablename__ = "revision"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    value: Mapped[int]


class IdentityRow(Base):
    """The one row that says which registry this is. Both columns are UUIDs.

    ``registry_id`` is made with the database and never changes. ``incarnation`` is made anew at each restore, after
    which revisions and version numbers are given again.
    """

    __tablename__ = "identity"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    registry_id: Mapped[str] = mapped_column("registry", String(36))
    incarnation: Mapped[str] = mapped_column(String(36))


class RunRow(Base):
    """The current state of a refresh run. ``open_task`` is the task's name while the run is open, and NULL afterwards.

    As it is unique, a task has at most one open run, on every database.
    """

    __tablename__ = "runs"
    __table_args__ = (
        Unique("task", "trigger_key", name="uq_runs_task_trigger_key"),
        Unique("open_task", name="uq_runs_open_task"),
        Index("ix_runs_task_id", "task", "id"),
    )

    # SQLite numbers rows by itself only where the column's type is INTEGER.
    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    task: Mapped[str] = mapped_column(ForeignKey("tasks.name", name="fk_runs_task"))
    trigger: Mapped[str] = mapped_column(String(32))
    trigger_key: Mapped[str] = mapped_column(String(200))
    reason: Mapped[str]
    state: Mapped[str] = mapped_column(String(32))
    open_task: Mapped[str | None] = mapped_column(String(63))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    waits_since: Mapped[datetime]
    """When it was opened or last claimed: the run that has waited longest is claimed next."""
    lease: Mapped[str] = mapped_column(String(64))
    lease_holder: Mapped[str]
    lease_expires_at: Mapped[datetime | None]
    base_version: Mapped[int]
    candidate_version: Mapped[int]
    calls: Mapped[int]
    tokens_in: Mapped[int]
    tokens_out: Mapped[int]
    dollars: Mapped[float | None]
    steps: Mapped[int]
    """How many steps it has, which is the number of the last."""
    files: Mapped[int]
    file_bytes: Mapped[int]


class RunStepRow(Base):
    """One step of a run, numbered from 1. ``facts`` is a JSON object, or empty."""

    __tablename__ = "run_steps"

    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id", name="fk_run_steps_run"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    state: Mapped[str] = mapped_column(String(32))
    at: Mapped[datetime]
    actor: Mapped[str]
    message: Mapped[str]
    facts: Mapped[str]


class RunFileRow(Base):
    """A file of an open run. ``size`` stands before the content, so that it can be read without the content."""

    __tablename__ = "run_files"

    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id", name="fk_run_files_run"), primary_key=True)
    name: Mapped[str] = mapped_column(String(200), primary_key=True)
    size: Mapped[int]
    content: Mapped[bytes]
