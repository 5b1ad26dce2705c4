"""Names of versions on the command line: TASK, TASK@VERSION, TASK:ALIAS; and the bundles that they name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from labelwright.client import Registry
from labelwright.client.messages.registry import open_folder
from labelwright.core.bundle import Bundle
from labelwright.core.errors import ConfigurationError

_NAME = re.compile(r"(?P<task>[^@:]+)(?:@(?P<version>\d{1,9})|:(?P<alias>[^@:]+))?")


class Selection(TypedDict):
    """The keyword arguments by which the SDK selects a version."""

    version: int | None
    alias: str | None


@dataclass(frozen=True, slots=True)
class VersionName:
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


def parse_version_name(text: str) -> VersionName:
    """Return what the text names. Raises ConfigurationError."""
    parts = _NAME.fullmatch(text)
    if not parts:
        raise ConfigurationError(f"{text!a} names no version", advice="write TASK, TASK@VERSION or TASK:ALIAS")
    number = parts["version"]
    return VersionName(parts["task"], int(number) if number else None, parts["alias"])


def parse_numbered(text: str) -> tuple[str, int]:
    """Return the task and the number of "TASK@VERSION". Raises ConfigurationError."""
    name = parse_version_name(text)
    if name.version is None:
        raise ConfigurationError(f"{text!a} names no numbered version", advice=f"write {name.task}@VERSION")
    return name.task, name.version


@dataclass(frozen=True, slots=True)
class NamedBundle:
    """A bundle and how to call it."""

    name: str
    bundle: Bundle


def open_named_bundle(text: str, registry: str) -> NamedBundle:
    """Return the bundle in a folder, or that of a version in the registry. Raises LabelwrightError."""
    if Path(text).is_dir() or "/" in text or text in (".", ".."):
        return NamedBundle(text, open_folder(Path(text)))
    name = parse_version_name(text)
    with Registry(registry) as source:
        download = source.download(name.task, **name.selection)
    return NamedBundle(f"{download.version.task}@{download.version.number}", download.bundle)
