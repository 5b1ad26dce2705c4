"""The directory: from a task and a selector to the version that answers; preloaded ones take one lookup."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from labelwright.core.alias import PRODUCTION
from labelwright.core.errors import AliasNotFound, TaskNotFound, Unavailable
from labelwright.core.task import NAME_PATTERN
from labelwright.service.target import Aliases, VersionTarget
from labelwright.service.versions.bundle_fetcher import BundleFetcher
from labelwright.service.versions.live_version import LiveVersion
from labelwright.service.versions.loaded_versions import LoadedVersions

_NAME = re.compile(NAME_PATTERN)

LiveTable = Mapping[str, Mapping[str, LiveVersion]]
"""``table[task][alias]``: the preloaded versions that serve."""


class Directory:
    """What requests see of the registry. ``live`` and ``aliases`` are replaced whole, each in one assignment."""

    def __init__(self, versions: LoadedVersions, bundles: BundleFetcher, tasks: Collection[str] = ()) -> None:
        """``tasks`` are the only ones served; all where empty."""
        self._versions = versions
        self._bundles = bundles
        self._tasks = frozenset(tasks)
        self.live: LiveTable = {}
        self.aliases: Aliases | None = None
        """None until they are known from the registry or the disk."""

    def acquire_alias(self, task: str, alias: str, deadline: float) -> LiveVersion:
        """Return the version that the alias names, with a reference taken.

        Raises TaskNotFound, AliasNotFound, Unavailable, and what loading a version raises.
        """
        serving = self.live.get(task)
        if serving is not None and (version := serving.get(alias)) is not None and version.acquire():
            return version
        return self._versions.acquire(self._target(task, alias), deadline)

    def acquire_number(self, task: str, number: int, deadline: float) -> LiveVersion:
        """Return the version with that number, with a reference taken. Raises as ``acquire_alias``."""
        for version in (self.live.get(task) or {}).values():
            if version.target.number == number and version.acquire():
                return version
        return self._versions.acquire(self._numbered(task, number), deadline)

    def production(self, task: str) -> LiveVersion | None:
        """Return the version that is production now, without a reference; None where none is loaded."""
        return (self.live.get(task) or {}).get(PRODUCTION)

    def _numbered(self, task: str, number: int) -> VersionTarget:
        if self.aliases is not None:
            for target in self.aliases.table.get(task, {}).values():
                if target.number == number:
                    return target
        # What cannot be a task's name, however long it is, is neither remembered nor sent to the registry.
        if not _NAME.fullmatch(task) or (self._tasks and task not in self._tasks):
            raise _task_not_found(task)
        return self._bundles.find(task, number)

    def _target(self, task: str, alias: str) -> VersionTarget:
        if self.aliases is None:
            raise Unavailable(
                "the service has not heard from the registry yet", advice="ask again, or look at the registry"
            )
        aliases = self.aliases.table.get(task)
        if aliases is None:
            raise _task_not_found(task)
        if alias not in aliases:
            raise AliasNotFound(
                f"task {task!r} has no alias {_shown(alias)}",
                advice=f"its aliases: {', '.join(sorted(aliases)[:20])}",
            )
        return aliases[alias]


def _task_not_found(task: str) -> TaskNotFound:
    return TaskNotFound(f"no task {_shown(task)}", advice="`labelwright tasks` lists the tasks")


def _shown(name: str) -> str:
    """Return a caller's text, safe to print and short."""
    text = ascii(name)
    return text if len(text) <= 80 else text[:77] + "..."
