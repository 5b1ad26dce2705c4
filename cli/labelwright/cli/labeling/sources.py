"""Bundles by what the command line calls them: a folder, or a version in the registry."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from labelwright.cli.target import parse_target
from labelwright.client import Registry
from labelwright.client.messages.registry import open_folder
from labelwright.core.bundle import Bundle


@dataclass(frozen=True, slots=True)
class BundleSource:
    """A bundle and how to call it."""

    name: str
    bundle: Bundle


def open_source(text: str, registry: str) -> BundleSource:
    """Return the bundle. What is a folder is read from there. Raises LabelwrightError."""
    if Path(text).is_dir() or "/" in text or text in (".", ".."):
        return BundleSource(text, open_folder(Path(text)))
    target = parse_target(text)
    with Registry(registry) as source:
        found = source.download(target.task, **target.selection)
    return BundleSource(f"{found.version.task}@{found.version.number}", found.bundle)
