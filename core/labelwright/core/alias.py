"""Aliases: movable names for versions, and the history of their moves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

PRODUCTION = "production"
"""The alias of callers who do not name one; only a version that passes the gates may get it."""


@dataclass(frozen=True, slots=True)
class Alias:
    """A movable name for a version, and the registry's revision of its last move."""

    task: str
    name: str
    version: int
    digest: str
    revision: int


@dataclass(frozen=True, slots=True)
class AliasChange:
    """One move of an alias: ``from_version`` is 0 where there was none, ``to_version`` where it was removed."""

    revision: int
    task: str
    alias: str
    from_version: int
    to_version: int
    changed_at: datetime
    actor: str
    reason: str
    overridden: bool
    rollback: bool
