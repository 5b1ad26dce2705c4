"""The bundles of the examples: copies under other names, and the way into production."""

from __future__ import annotations

import shutil
from pathlib import Path

from labelwright.client import Client
from labelwright.client import Registry as RegistryClient
from labelwright.core.errors import NotFound

from tests.parts.repository import EXAMPLES
from tests.parts.service import until

SPAM = EXAMPLES / "spam" / "bundle"
CHAT = "hi mum, see you"
PRIZE = "You have won a prize! Call 09061234567 now"


def renamed(bundle: Path, name: str, folder: Path) -> Path:
    """Copy a bundle under another task name."""
    copy = folder / name
    shutil.copytree(bundle, copy, ignore=shutil.ignore_patterns("__pycache__"))
    task = copy / "task.toml"
    task.write_text(task.read_text().replace(f'name = "{bundle.parent.name}"', f'name = "{name}"', 1))
    assert name in task.read_text()
    return copy


def changed(bundle: Path, note: str) -> Path:
    """Give the bundle another content."""
    program = bundle / "programs" / "prize.py"
    program.write_text(program.read_text() + f"\n# {note}\n")
    return bundle


def serve(registry_client: RegistryClient, client: Client, bundle: Path) -> str:
    version = registry_client.push(bundle, author="tests").version
    assert version is not None
    registry_client.set_alias(version.task, version.number, actor="tests")
    until(lambda: is_served(client, version.task))
    return version.task


def is_served(client: Client, task: str) -> bool:
    try:
        return client.label_batch(task, [{}]) != []
    except NotFound:  # the label service follows the registry within moments
        return False
