from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from labelwright.core.errors import ConfigurationError, Unavailable
from labelwright.core.run import Trigger
from labelwright.registry.runs.rows import NewRun
from labelwright.registry.runs.runs import RunStore
from labelwright.registry.store.database import Database
from labelwright.registry.store.migration import alembic_config, migrate, newest_step
from labelwright.registry.store.models import Base


def migrate_url(url: str) -> None:
    database = Database(url)
    migrate(database)
    database.close()


def test_from_empty_to_the_tables_of_the_code(database_url: str) -> None:
    database = Database(database_url)
    migrate(database)
    with database.connection() as connection:
        context = MigrationContext.configure(connection)
        assert context.get_current_revision() == newest_step()
        assert compare_metadata(context, Base.metadata) == []
    migrate(database)
    database.close()


def test_what_an_earlier_release_wrote_is_kept(database_url: str) -> None:
    database = Database(database_url)
    config = alembic_config()
    with database.connection() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(sa.text("INSERT INTO tasks VALUES ('spam', '2026-01-02 03:04:05')"))
    migrate(database)
    run, created = RunStore(database).start(NewRun("spam", Trigger.MANUAL, "key", "why", "ada"))
    assert (run.id, run.task, created) == (1, "spam", True)
    database.close()


def test_down_to_empty_again(database: Database) -> None:
    config = alembic_config()
    with database.connection() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
        assert sa.inspect(connection).get_table_names() == ["alembic_version"]


def test_processes_that_start_at_once_migrate_once(database_url: str) -> None:
    processes = [
        multiprocessing.get_context("spawn").Process(target=migrate_url, args=(database_url,)) for _ in range(3)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    database = Database(database_url)
    with database.reading() as session:
        assert session.scalar(sa.text("SELECT value FROM revision")) == 0
    database.close()


def test_a_database_of_a_newer_release_is_left_alone(database: Database) -> None:
    with database.connection() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(ConfigurationError, match="newer release"):
        migrate(database)


@pytest.mark.parametrize("url", ["nonsense", "mysql://host/name", "sqlite://", "sqlite:///:memory:", "redis://x"])
def test_urls_of_no_supported_database(url: str) -> None:
    with pytest.raises(ConfigurationError):
        Database(url)


@pytest.mark.parametrize("url", ["postgresql://127.0.0.1:1/name?connect_timeout=2", "sqlite:////no/such/folder/file"])
def test_databases_that_cannot_be_reached(url: str) -> None:
    with pytest.raises(Unavailable):
        migrate(Database(url))


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"not a database at all, but some bytes long enough to be read" * 20)
    with pytest.raises((ConfigurationError, Unavailable)):
        migrate(Database(f"sqlite:///{tmp_path / 'file'}"))
