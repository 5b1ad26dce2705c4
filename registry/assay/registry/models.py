"""The tables. A task is made by its first version; everything but ``aliases`` and the counter is append-only."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    DateTime,
    Dialect,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    String,
    Text,
    TypeDecorator,
)
from sqlalchemy import UniqueConstraint as Unique
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC. SQLite keeps no time zone, so the zone is put back on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Return the moment in UTC."""
        return value and value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Return the moment with its zone."""
        return value and (value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC))


class Base(DeclarativeBase):
    """Maps Python's types to columns that hold the whole range of the contract's numbers on every database."""

    type_annotation_map = {  # noqa: RUF012 (SQLAlchemy declares it so)
        int: BigInteger,
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
    """One move of an alias: who, when, from, to, why. A version of 0 means that there was, or is, none."""

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

    A sequence would not do: it gives out numbers before the transactions commit, so that a watcher could see
    revision 8, move on, and miss 7 when it commits later. This row stays locked until the change that took the
    number is committed, so revisions become visible in their order and without gaps.
    """

    __tablename__ = "revision"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    value: Mapped[int]
