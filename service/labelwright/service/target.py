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
    """All aliases at one revision of the registry. Immutable: a change makes a new object.

    ``registry`` and ``incarnation`` say of which registry and which life of it; they are empty where that is not known.
    """

    revision: int
    table: AliasTable
    registry: str = ""
    incarnation: str = ""

    def changed_by(self, message: pb.WatchResponse) -> Aliases:
        """Return the aliases after a message of the registry's Watch."""
        table = {} if message.full else {task: dict(aliases) for task, aliases in self.table.items()}
        for alias in message.removed:
            table.get(alias.task, {}).pop(alias.name, None)
        for alias in message.aliases:
            table.setdefault(alias.task, {})[alias.name] = VersionTarget(alias.task, alias.version, alias.digest)
        named = {task: aliases for task, aliases in table.items() if aliases}
        return Aliases(message.revision, named, message.registry, message.incarnation)

    def is_like(self, other: Aliases) -> bool:
        """Whether this is the state of the same registry and names the same versions, whatever the revision."""
        mine, others = ((state.table, state.registry, state.incarnation) for state in (self, other))
        return mine == others

    def targets(self) -> Iterable[VersionTarget]:
        """Every version that an alias names; one that two aliases name comes twice."""
        return (target for aliases in self.table.values() for target in aliases.values())
