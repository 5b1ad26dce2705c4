"""``labelwright pull`` and ``labelwright export``: a version as a folder, or as a stand-alone WebAssembly component."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from labelwright.cli import options
from labelwright.cli.command_name import command_name
from labelwright.cli.extras import require
from labelwright.cli.screen import Screen
from labelwright.cli.version_names import open_named_bundle, parse_version_name
from labelwright.client import Registry
from labelwright.core.bundle import write_folder
from labelwright.core.errors import ConfigurationError


def pull(
    version: Annotated[
        str, typer.Argument(metavar="TASK[@VERSION|:ALIAS]", help="The version; production if only a task is given.")
    ],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")],
    registry: options.RegistryAddress = options.REGISTRY,
    json: options.Json = False,
) -> None:
    """Write a version's bundle into a folder, to read it, change it and push it again."""
    screen = Screen(json=json)
    name = parse_version_name(version)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigurationError(f"{folder} is there already", advice="name a new or empty folder")
    with Registry(registry) as source:
        download = source.download(name.task, **name.selection)
    write_folder(download.bundle.files, folder)
    origin = download.version
    if screen.json:
        screen.document({"version": origin, "folder": str(folder), "files": sorted(download.bundle.files)})
        return
    screen.line(f"{origin.task}@{origin.number}: {len(download.bundle.files)} files in {folder}", "bold")
    command = command_name()
    screen.note(
        f"next: change a program, then {command} check {folder}, {command} diff {origin.task}@{origin.number} {folder}"
    )


def export(
    version: Annotated[
        str, typer.Argument(metavar="TASK[@VERSION|:ALIAS]|DIR", help="A version, or a bundle's folder.")
    ],
    output: Annotated[Path, typer.Argument(metavar="FILE.wasm", help="The component to write.")],
    registry: options.RegistryAddress = options.REGISTRY,
    json: options.Json = False,
) -> None:
    """Bake a version's programs into one WebAssembly component, for any wasmtime host."""
    screen = Screen(json=json)
    source = open_named_bundle(version, registry)
    require("componentize_py", "export", "making a component")
    require("labelwright.sandbox.export", "export", "making a component")
    from labelwright.sandbox.export import export_component

    export_component(source.bundle, output)
    size = output.stat().st_size
    if screen.json:
        screen.document({"source": source.name, "digest": source.bundle.digest, "output": str(output), "bytes": size})
    else:
        screen.line(f"{output}: {source.name}, {size:,} bytes", "bold")
