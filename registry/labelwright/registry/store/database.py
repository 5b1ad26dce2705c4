"""The database: one engine, read and write transactions, and its failures as typed errors."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from labelwright.core.errors import ConfigurationError, StorageFull, Unavailable
from sqlalchemy import Connection, Engine, create_engine, event, exc, make_url
from sqlalchemy.orm import Session, sessionmaker

BUSY_SECONDS = 30
_WRITES = "labelwright_writes"
_POOL_SIZE, _POOL_OVERFLOW = 8, 24
_POSTGRES_FULL = {"53100", "53200"}
"""SQLSTATE disk_full and out_of_memory."""
_BROKEN_SQLITE = ("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_IOERR", "SQLITE_NOTADB", "SQLITE_CORRUPT")


class Database:
    """Transactions on SQLite or PostgreSQL.

    ``reading`` sees one snapshot of the database throughout. ``writing`` commits at its end: on SQLite it holds the
    single write lock from its start, on PostgreSQL a caller that needs an order takes a row lock.
    """

    def __init__(self, url: str) -> None:
        """``url`` is SQLAlchemy's. Raises ConfigurationError where it names no supported database."""
        self.engine = _make_engine(url)
        options: dict[str, Any] = {_WRITES: True}
        reading: dict[str, Any] = {}
        if self.is_postgres:
            # Read committed would show each statement a later snapshot.
            reading["isolation_level"] = "REPEATABLE READ"
        self._read = sessionmaker(self.engine.execution_options(**reading))
        self._write = sessionmaker(self.engine.execution_options(**options))

    @property
    def is_postgres(self) -> bool:
        """Whether this is PostgreSQL and not SQLite."""
        return self.engine.dialect.name == "postgresql"

    def is_missing(self) -> bool:
        """Whether this is SQLite and its file does not exist: the first connection would make it."""
        return not self.is_postgres and not Path(self.engine.url.database or "").exists()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Open a transaction that only reads. Raises Unavailable where the database cannot be reached."""
        with _translated(), self._read() as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Open a transaction that commits at its end. Raises Unavailable, StorageFull; then nothing has changed."""
        with _translated(), self._write.begin() as session:
            yield session

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """Open a bare connection in a writing transaction, for migrations."""
        with _translated(), self.engine.execution_options(**{_WRITES: True}).begin() as connection:
            yield connection

    def close(self) -> None:
        """Close the pooled connections."""
        self.engine.dispose()


def _make_engine(url: str) -> Engine:
    try:
        database_url = make_url(url)
    except exc.ArgumentError as error:
        raise ConfigurationError("the database URL cannot be read", advice=_URL_ADVICE) from error
    if database_url.drivername in {"postgres", "postgresql", "postgresql+psycopg"}:
        return create_engine(
            database_url.set(drivername="postgresql+psycopg"),
            pool_size=_POOL_SIZE,
            max_overflow=_POOL_OVERFLOW,
            pool_pre_ping=True,
            connect_args={"connect_timeout": 10},
        )
    if database_url.drivername != "sqlite" or not database_url.database or database_url.database == ":memory:":
        raise ConfigurationError(f"no such kind of database: {database_url.drivername}", advice=_URL_ADVICE)
    engine = create_engine(
        database_url, pool_size=_POOL_SIZE, max_overflow=_POOL_OVERFLOW, connect_args={"timeout": BUSY_SECONDS}
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


_URL_ADVICE = "use sqlite:////folder/registry.sqlite3 or postgresql://user:password@host/name"


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    """Let SQLAlchemy begin transactions (sqlite3 itself begins them late), and set what a server needs."""
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA synchronous=FULL")
    _switch_to_wal(connection)


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """Turn the write-ahead log on. Where two processes start at once, the switch ignores the busy timeout."""
    deadline = time.monotonic() + BUSY_SECONDS
    while connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that begins as a reader and then writes fails at once where another writer was first; taking the
    # write lock at the start waits instead.
    writes = connection.get_execution_options().get(_WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except exc.DBAPIError as error:
        raise _as_labelwright_error(error) from error
    except exc.TimeoutError as error:
        raise Unavailable("the database is busy", advice="try again") from error


def _as_labelwright_error(error: exc.DBAPIError) -> Exception:
    cause = error.orig
    code = getattr(cause, "sqlite_errorname", None) or getattr(cause, "sqlstate", None) or ""
    if code in _POSTGRES_FULL or code.startswith("SQLITE_FULL"):
        return StorageFull("the database has no room left", advice="free disk space on the database's machine")
    if code.startswith(_BROKEN_SQLITE):
        return Unavailable(
            f"the database file cannot be used ({code})", advice="look at the data folder, or restore a backup"
        )
    if isinstance(error, exc.OperationalError | exc.InterfaceError) or error.connection_invalidated:
        return Unavailable("the database cannot be reached or is busy", advice="try again")
    return error
