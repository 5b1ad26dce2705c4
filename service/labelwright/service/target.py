"""Targets: which version each alias names, as the registry last said; that is kept on disk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from labelwright.v1 import registry_service_pb2 as pb


@dataclass(frozen=True, slots=True)
class VersionTarget:
    """A version, by task, number and digest."""

    task: str
    number: int
    digest: str


AliasTable = Mapping[str, Mapping[str, VersionTarget]]
"""``table[task][alias]``."""


@dataclass(frozen=True, slots=True)
class Aliases:
    """All aliases at one revision of the registry. Immutable: a change makes a new object."""

    revision: int
    table: AliasTable

    def changed_by(self, message: pb.WatchResponse) -> Aliases:
        """Return the aliases after a message of the registry's Watch."""
        table = {} if message.full else {task: dict(aliases) for task, aliases in self.table.items()}
        for alias in message.removed:
            table.get(alias.task, {}).pop(alias.name, None)
        for alias in message.aliases:
            table.setdefault(alias.task, {})[alias.name] = VersionTarget(alias.task, alias.version, alias.digest)
        return Aliases(message.revision, {task: aliases for task, aliases in table.items() if aliases})

    def targets(self) -> Iterable[VersionTarget]:
        """Every version that an alias names; one that two aliases name comes twice."""
        return (target for aliases in self.table.values() for target in aliases.values())
