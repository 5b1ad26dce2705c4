"""What the registry answers, as plain frozen values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from labelwright.core.alias import Alias
from labelwright.core.bundle import Bundle
from labelwright.core.report import GateResult, Reference, Report


@dataclass(frozen=True, slots=True)
class Version:
    """An accepted bundle. ``aliases`` are those that named it when the registry answered."""

    task: str
    number: int
    digest: str
    created_at: datetime
    author: str
    message: str
    programs: tuple[str, ...]
    labels: tuple[str, ...]
    aliases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TaskEntry:
    """A task as the registry knows it."""

    name: str
    latest: Version | None
    aliases: tuple[Alias, ...]


@dataclass(frozen=True, slots=True)
class PushResult:
    """What became of a push. ``version`` is None if the bundle was refused or only validated."""

    version: Version | None
    report: Report
    created: bool


@dataclass(frozen=True, slots=True)
class AliasMove:
    """An alias after a move; ``changed`` is False if it named the version already."""

    alias: Alias
    changed: bool = True
    from_version: int | None = None
    gates: tuple[GateResult, ...] = ()


@dataclass(frozen=True, slots=True)
class Download:
    """A version and its bundle, checked against the digest."""

    version: Version
    bundle: Bundle
    reference: Reference | None


@dataclass(frozen=True, slots=True)
class AliasState:
    """A message of a watch: all aliases if ``full``, else those that moved and those that were removed.

    ``registry`` is the registry's identity. Revisions and version numbers mean the same only within one
    ``incarnation``, which each restore from a backup makes anew.
    """

    revision: int
    full: bool
    aliases: tuple[Alias, ...] = ()
    removed: tuple[Alias, ...] = field(default=())
    registry: str = ""
    incarnation: str = ""
