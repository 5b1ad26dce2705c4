"""Restores a backup into a registry, on the same kind of database or the other."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import uuid4

from labelwright.core.bundle import digest_files
from labelwright.core.errors import ConfigurationError
from labelwright.registry.backup.archive import ArchiveReader, Manifest, archive_reader
from labelwright.registry.backup.rows import entry_of, insert_lines, read_tables, tables_with_rows
from labelwright.registry.store.artifacts import ArtifactStore, decode_bundle
from labelwright.registry.store.database import Database
from labelwright.registry.store.identity import read_identity
from labelwright.registry.store.migration import step_of, upgrade
from labelwright.registry.store.models import IdentityRow
from sqlalchemy import Connection, exc, select, update
from sqlalchemy.orm import Session


def restore(database: Database, artifacts: ArtifactStore, path: Path, *, overwrite: bool = False) -> Manifest:
    """Make the registry what the backup holds, in a new incarnation, and return what is in the backup.

    All or nothing is restored, after all was checked. Raises ConfigurationError where the file is no backup, it or the
    database is of a newer release, or the registry has tasks and ``overwrite`` is not set; CorruptArtifact where the
    backup is damaged; StorageFull, Unavailable.
    """
    with archive_reader(path) as archive:
        archive.verify()
        bundles = _checked_bundles(archive)
        # One transaction, which on SQLite is the only one that may write.
        with database.connection() as connection:
            if not overwrite:
                _require_empty(connection, artifacts, archive.manifest)
            for digest, name in bundles.items():
                files = decode_bundle(archive.read(name))
                assert files is not None
                artifacts.put(digest, files)
            _replace_rows(connection, archive)
            with Session(connection) as session:
                session.execute(update(IdentityRow).values(incarnation=str(uuid4())))
                artifacts.belong_to(read_identity(session).registry)
                session.flush()
    return archive.manifest


def _checked_bundles(archive: ArchiveReader) -> dict[str, str]:
    """Return each artifact's entry by digest: all match their digest, and none is missing that a version names."""
    entries = {}
    for name in archive.names("artifacts"):
        files = decode_bundle(archive.read(name))
        digest = f"sha256:{Path(name).stem}"
        if files is None or digest_files(files) != digest:
            raise archive.damaged(name)
        entries[digest] = name
    rows = "rows/versions.jsonl"
    try:
        named = {json.loads(line)["digest"] for line in archive.lines(rows)}
    except (ValueError, KeyError, TypeError) as error:
        raise archive.damaged(rows) from error
    if not named <= entries.keys():
        raise archive.damaged("artifacts")
    return entries


def _require_empty(connection: Connection, artifacts: ArtifactStore, manifest: Manifest) -> None:
    tasks = read_tables(connection).tables.get("tasks")
    is_foreign = artifacts.owner not in ("", manifest.registry) and not artifacts.is_empty()
    if is_foreign or (tasks is not None and connection.execute(select(tasks).limit(1)).first()):
        raise ConfigurationError(
            "this registry is not empty; nothing was restored",
            advice="name an empty data folder and database, or replace what is there with --overwrite",
        )


def _replace_rows(connection: Connection, archive: ArchiveReader) -> None:
    """Put the backup's rows in the place of all others: into tables of its step, which then come up to date."""
    # Tables are made anew only where they must: on PostgreSQL, readers that are under way would find them without rows.
    if step_of(connection) != archive.manifest.step:
        read_tables(connection).drop_all(connection)
        upgrade(connection, archive.manifest.step)
    tables = {entry_of(table): table for table in tables_with_rows(connection)}
    if tables.keys() != set(archive.names("rows")):
        raise archive.damaged("rows")
    for table in reversed(tables.values()):
        connection.execute(table.delete())
    for name, table in tables.items():
        try:
            insert_lines(connection, table, archive.lines(name))
        except (exc.IntegrityError, exc.DataError, exc.ProgrammingError, ValueError, KeyError, TypeError) as error:
            raise archive.damaged(name) from error
    upgrade(connection)
