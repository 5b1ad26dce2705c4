"""Takes a backup of a registry that may be running, on any database."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from labelwright.core.errors import ConfigurationError
from labelwright.core.machine.whole_file import whole_file
from labelwright.registry.backup.archive import ArchiveWriter, Manifest, archive_reader, archive_writer
from labelwright.registry.backup.rows import entry_of, lines_of, tables_with_rows
from labelwright.registry.store.artifacts import ArtifactStore, encode_bundle
from labelwright.registry.store.database import Database
from labelwright.registry.store.migration import step_of
from sqlalchemy import Connection, select


def back_up(database: Database, artifacts: ArtifactStore, path: Path) -> Manifest:
    """Write a backup to ``path``, where it appears whole, and checked, or not at all; return what is in it.

    It holds every push and every move of an alias that was acknowledged before, for its rows are those of one moment,
    and a version's artifact was stored before its row. Raises ConfigurationError where there is no registry or the
    file is there already, CorruptArtifact where an artifact is damaged, Unavailable, OSError.
    """
    if path.exists():
        raise ConfigurationError(f"{path} is there already", advice="name a new file")
    with whole_file(path) as file:
        with archive_writer(file) as writer:
            with database.reading() as session:
                manifest, digests = _write_rows(session.connection(), writer)
            for digest in digests:
                name = f"artifacts/{digest.removeprefix('sha256:')}.bundle"
                writer.write(name, [encode_bundle(artifacts.get(digest))])
            writer.finish(manifest)
        file.flush()
        with archive_reader(Path(file.name)) as written:
            written.verify()
    return manifest


def _write_rows(connection: Connection, writer: ArchiveWriter) -> tuple[Manifest, list[str]]:
    """Write all tables as they are at one moment; return the manifest, and the digests of all versions."""
    step = step_of(connection)
    if step is None:
        raise ConfigurationError("there is no registry in this database", advice="name the registry's data folder")
    tables = {table.name: table for table in tables_with_rows(connection)}
    rows = {name: writer.write(entry_of(table), lines_of(connection, table)) for name, table in tables.items()}
    identity = tables.get("identity")  # a database of an earlier release has none
    registry, incarnation = (
        ("", "") if identity is None else connection.execute(select(identity.c.registry, identity.c.incarnation)).one()
    )
    digests = sorted(connection.scalars(select(tables["versions"].c.digest).distinct()))
    manifest = Manifest(datetime.now(UTC).isoformat(), registry, incarnation, step, rows, writer.entries)
    return manifest, digests
