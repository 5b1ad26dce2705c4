"""Names of versions on the command line: TASK, TASK@VERSION, TASK:ALIAS."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypedDict

from labelwright.core.errors import ConfigurationError

_TARGET = re.compile(r"(?P<task>[^@:]+)(?:@(?P<version>\d{1,9})|:(?P<alias>[^@:]+))?")


class Selection(TypedDict):
    """The keyword arguments by which the SDK selects a version."""

    version: int | None
    alias: str | None


@dataclass(frozen=True, slots=True)
class Target:
    """A task and, where they were given, the version's number or an alias."""

    task: str
    version: int | None = None
    alias: str | None = None

    @property
    def selection(self) -> Selection:
        """What to hand to the SDK."""
        return {"version": self.version, "alias": self.alias}

    def __str__(self) -> str:
        if self.version is not None:
            return f"{self.task}@{self.version}"
        return f"{self.task}:{self.alias or 'production'}"


def parse_target(text: str) -> Target:
    """Return the target. Raises ConfigurationError."""
    found = _TARGET.fullmatch(text)
    if not found:
        raise ConfigurationError(f"{text!a} names no version", advice="write TASK, TASK@VERSION or TASK:ALIAS")
    number = found["version"]
    return Target(found["task"], int(number) if number else None, found["alias"])


def parse_numbered(text: str) -> tuple[str, int]:
    """Return the task and the number of "TASK@VERSION". Raises ConfigurationError."""
    target = parse_target(text)
    if target.version is None:
        raise ConfigurationError(f"{text!a} names no numbered version", advice=f"write {target.task}@VERSION")
    return target.task, target.version
