"""``labelwright backup`` and ``labelwright restore``: a registry's data into one file and back, on its machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from labelwright.cli import options
from labelwright.cli.extras import require
from labelwright.cli.screen import Screen

if TYPE_CHECKING:
    from labelwright.registry.backup.archive import Manifest
    from labelwright.registry.settings import RegistrySettings

Data = Annotated[
    Path | None,
    typer.Option(
        "--data", metavar="DIR", help="The registry's data folder; LABELWRIGHT_REGISTRY_DATA_DIR if not given."
    ),
]


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The backup to write: a new file.")],
    data: Data = None,
    json: options.Json = False,
) -> None:
    """Write a registry's database and artifacts into one file, while it runs or not.

    Runs where the registry's data is, with the registry's settings.
    """
    settings = _settings(data, "labelwright backup")
    from labelwright.registry.app import back_up

    _tell(Screen(json=json), "backup", file, back_up(settings, file))


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A backup.")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what the registry has.")] = False,
    data: Data = None,
    json: options.Json = False,
) -> None:
    """Make a registry what a backup holds: all of it, or nothing. Stop the registry before.

    Runs where the registry's data is, with the registry's settings; the database may be of another kind.
    """
    settings = _settings(data, "labelwright restore")
    from labelwright.registry.app import restore as restore_registry

    _tell(Screen(json=json), "restored", file, restore_registry(settings, file, overwrite=overwrite))


def _settings(data: Path | None, purpose: str) -> RegistrySettings:
    require("labelwright.registry.settings", "server", purpose)
    from labelwright.registry.settings import RegistrySettings

    return RegistrySettings.read(**({} if data is None else {"data_dir": data}))


def _tell(screen: Screen, what: str, file: Path, manifest: Manifest) -> None:
    artifacts = sum(name.startswith("artifacts/") for name in manifest.entries)
    if screen.json:
        facts = {"file": str(file), "made_at": manifest.made_at, "registry": manifest.registry, "rows": manifest.rows}
        screen.document({what: {**facts, "artifacts": artifacts}})
        return
    tasks, versions = manifest.rows["tasks"], manifest.rows["versions"]
    screen.line(f"{what}: {file}, {tasks} tasks, {versions} versions, {artifacts} artifacts", "bold green")
