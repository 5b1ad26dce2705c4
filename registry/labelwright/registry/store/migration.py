"""Brings the database's schema up to date. Several processes may start at once: one migrates, the others wait."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from labelwright.core.errors import ConfigurationError
from labelwright.registry.store.database import Database
from sqlalchemy import text

_LOCK_KEY = 0x6C6162656C777267
"""Of PostgreSQL's advisory lock: any constant that nothing else in the database uses."""


def migrate(database: Database) -> None:
    """Apply every missing step in one transaction, under a lock. Raises ConfigurationError, Unavailable.

    On SQLite the lock is the write lock, which is taken at the start of the transaction.
    """
    config = alembic_config()
    with database.connection() as connection:
        if database.is_postgres:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise ConfigurationError(
                "the database was written by a newer release of Labelwright", advice="run that release or a later one"
            ) from error


def alembic_config() -> Config:
    """Return alembic's configuration; it needs no file."""
    config = Config()
    config.set_main_option("script_location", "labelwright.registry.store:migrations")
    return config


def newest_step() -> str | None:
    """Return the name of the last step that this release knows."""
    return ScriptDirectory.from_config(alembic_config()).get_current_head()
