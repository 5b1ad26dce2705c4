"""Brings the database's schema up to date. Several processes may start at once: one migrates, the others wait."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from labelwright.core.errors import ConfigurationError
from labelwright.registry.store.database import Database
from sqlalchemy import Connection, text

_LOCK_KEY = 0x6C6162656C777267
"""Of PostgreSQL's advisory lock: any constant that nothing else in the database uses."""

STEPS_TABLE = "alembic_version"
"""Where alembic keeps the name of the last step."""


def migrate(database: Database) -> None:
    """Apply every missing step in one transaction, under a lock. Raises ConfigurationError, Unavailable."""
    with database.connection() as connection:
        upgrade(connection)


def upgrade(connection: Connection, step: str = "head") -> None:
    """Apply the steps up to this one in the connection's transaction, under a lock. Raises ConfigurationError.

    On SQLite the lock is the write lock, which is taken at the start of the transaction.
    """
    config = alembic_config()
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, step)
    except CommandError as error:
        raise _newer() from error


def step_of(connection: Connection) -> str | None:
    """Return the database's step, None where it has none. Raises ConfigurationError where this release has no such."""
    step = MigrationContext.configure(connection).get_current_revision()
    known = {script.revision for script in ScriptDirectory.from_config(alembic_config()).walk_revisions()}
    if step is not None and step not in known:
        raise _newer()
    return step


def alembic_config() -> Config:
    """Return alembic's configuration; it needs no file."""
    config = Config()
    config.set_main_option("script_location", "labelwright.registry.store:migrations")
    return config


def newest_step() -> str | None:
    """Return the name of the last step that this release knows."""
    return ScriptDirectory.from_config(alembic_config()).get_current_head()


def _newer() -> ConfigurationError:
    return ConfigurationError(
        "the database was written by a newer release of Labelwright", advice="run that release or a later one"
    )
