"""Which registry a database is, and which life of it: told to watchers, and to the artifacts that belong to it."""

from __future__ import annotations

from dataclasses import dataclass

from labelwright.registry.store.models import IdentityRow
from sqlalchemy import select
from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class Identity:
    """Two UUIDs: the registry's, which it keeps for ever, and that of its life since it was made or last restored."""

    registry: str
    incarnation: str


def read_identity(session: Session) -> Identity:
    """Return the database's identity."""
    row = session.scalars(select(IdentityRow)).one()
    return Identity(row.registry_id, row.incarnation)
