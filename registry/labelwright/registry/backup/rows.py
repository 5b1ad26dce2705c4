"""The database's rows as lines of JSON, and back: the same on SQLite and PostgreSQL, at any step of migration.

Columns are read from the database and not from this release's models, so that a backup needs no migration.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from labelwright.registry.store.migration import STEPS_TABLE
from labelwright.registry.store.models import Base
from sqlalchemy import Connection, MetaData, Table, func, insert, select

_ROWS_AT_ONCE = 8
"""A row may hold a file of 32 MiB."""


def read_tables(connection: Connection) -> MetaData:
    """Return the registry's tables, alembic's too, and no others that the database may have."""
    tables = MetaData()
    tables.reflect(connection, only=lambda name, _: name == STEPS_TABLE or name in Base.metadata.tables)
    return tables


def tables_with_rows(connection: Connection) -> list[Table]:
    """Return the tables that a backup holds, each after those that it refers to."""
    return [table for table in read_tables(connection).sorted_tables if table.name != STEPS_TABLE]


def entry_of(table: Table) -> str:
    """Return the name of the backup's entry for the table."""
    return f"rows/{table.name}.jsonl"


def lines_of(connection: Connection, table: Table) -> Iterator[bytes]:
    """Yield each row of the table as a JSON object on one line."""
    query = select(table).order_by(*table.primary_key)
    for row in connection.execute(query, execution_options={"yield_per": _ROWS_AT_ONCE}).mappings():
        yield json.dumps({name: _to_json(value) for name, value in row.items()}).encode() + b"\n"


def insert_lines(connection: Connection, table: Table, lines: Iterable[bytes]) -> None:
    """Insert rows that ``lines_of`` wrote. Raises ValueError, KeyError, TypeError where it did not."""
    rows = (
        {column.name: _from_json(column.type.python_type, row[column.name]) for column in table.columns}
        for row in map(json.loads, lines)
    )
    while batch := list(islice(rows, _ROWS_AT_ONCE)):
        connection.execute(insert(table), batch)
    if connection.dialect.name == "postgresql":
        _set_sequences(connection, table)


def _set_sequences(connection: Connection, table: Table) -> None:
    """Let numbers that PostgreSQL gives out go on after those that were inserted."""
    for column in table.primary_key:
        sequence = connection.scalar(select(func.pg_get_serial_sequence(table.name, column.name)))
        highest = connection.scalar(select(func.max(column)))
        if sequence and highest:
            connection.execute(select(func.setval(sequence, highest)))


def _to_json(value: Any) -> Any:
    match value:
        case datetime():
            return (value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)).isoformat()
        case bytes():
            return base64.b64encode(value).decode()
        case _:
            return value


def _from_json(kind: type, value: Any) -> Any:
    if value is None:
        return None
    if kind is datetime:
        return datetime.fromisoformat(value)
    return base64.b64decode(value, validate=True) if kind is bytes else value
