"""Removes artifacts that no version names: what pushes left that were killed before their row was written."""

from __future__ import annotations

import structlog
from labelwright.registry.store.artifacts import ArtifactStore
from labelwright.registry.store.database import Database
from labelwright.registry.store.models import VersionRow
from sqlalchemy import select, text

_log = structlog.get_logger(__name__)


def sweep_orphans(database: Database, artifacts: ArtifactStore, older_than: float) -> int:
    """Remove orphans that have not been put for ``older_than`` seconds and return how many.

    No version can be added meanwhile: a push whose content went stores it again under its row's lock.
    """
    with database.writing() as session:
        if database.is_postgres:
            session.execute(text("LOCK TABLE versions IN SHARE ROW EXCLUSIVE MODE"))
        removed = artifacts.sweep(set(session.scalars(select(VersionRow.digest))), older_than)
    if removed:
        _log.info("orphans removed", artifacts=removed)
    return removed
