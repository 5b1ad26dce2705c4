"""``labelwright tasks``, ``versions`` and ``show``: what the registry has."""

from __future__ import annotations

from typing import Annotated

import typer
from labelwright.cli import options
from labelwright.cli.command_name import command_name
from labelwright.cli.screen import Screen, shown
from labelwright.cli.version_names import parse_version_name
from labelwright.cli.views.reports import show_findings, show_gates, show_gold, table
from labelwright.client import Registry, TaskEntry, Version
from labelwright.core.origin import authors
from rich.text import Text


def tasks(registry: options.RegistryAddress = options.REGISTRY, json: options.Json = False) -> None:
    """List the tasks, their newest version and their aliases."""
    screen = Screen(json=json)
    with Registry(registry) as source:
        entries = source.tasks()
    if screen.json:
        screen.document({"tasks": entries})
    elif entries:
        _show_tasks(screen, entries)
    else:
        screen.note(f"no tasks yet; next: {command_name()} push DIR --alias production")


def versions(
    task: Annotated[str, typer.Argument(metavar="TASK", help="The task.")],
    registry: options.RegistryAddress = options.REGISTRY,
    json: options.Json = False,
) -> None:
    """List a task's versions, newest first."""
    screen = Screen(json=json)
    with Registry(registry) as source:
        newest_first = source.versions(task)
    if screen.json:
        screen.document({"task": task, "versions": newest_first})
    else:
        _show_versions(screen, newest_first)


def show(
    version: Annotated[
        str, typer.Argument(metavar="TASK[@VERSION|:ALIAS]", help="The version; production if only a task is given.")
    ],
    source: Annotated[bool, typer.Option("--source", help="Show the programs' sources too.")] = False,
    registry: options.RegistryAddress = options.REGISTRY,
    json: options.Json = False,
) -> None:
    """Show a version: what its programs look for, its report and its gates."""
    screen = Screen(json=json)
    name = parse_version_name(version)
    with Registry(registry) as place:
        details, report = place.version(name.task, **name.selection)
        bundle = place.download(details.task, version=details.number).bundle
    written = authors(bundle)
    if screen.json:
        programs = [
            {
                "name": item.name,
                "author": written[item.name],
                "description": item.description,
                "source": item.source,
            }
            for item in bundle.programs
        ]
        screen.document({"version": details, "programs": programs, "report": report})
        return
    _show_version(screen, details)
    for program in bundle.programs:
        screen.line("")
        screen.line(f"{program.name}, {shown(written[program.name])}", "bold")
        screen.line(f"  {shown(program.description) or '(no description)'}")
        if source:
            screen.line(program.source.rstrip(), "dim")
    if report.gold:
        show_gold(screen, report.gold)
    show_findings(screen, report.findings)
    show_gates(screen, report.gates)


def _show_tasks(screen: Screen, entries: list[TaskEntry]) -> None:
    rows = table("task", "newest", texts=("aliases",))
    for entry in entries:
        names = ", ".join(f"{alias.name}={alias.version}" for alias in entry.aliases)
        rows.add_row(Text(shown(entry.name)), str(entry.latest.number) if entry.latest else "-", Text(shown(names)))
    screen.show(rows)


def _show_versions(screen: Screen, newest_first: list[Version]) -> None:
    rows = table("version", "programs", texts=("aliases", "accepted", "author", "message"))
    for version in newest_first:
        rows.add_row(
            f"{version.task}@{version.number}",
            str(len(version.programs)),
            Text(shown(", ".join(version.aliases))),
            f"{version.created_at:%Y-%m-%d %H:%M:%S}",
            Text(shown(version.author)),
            Text(shown(version.message)),
        )
    screen.show(rows)


def _show_version(screen: Screen, version: Version) -> None:
    screen.line(f"{version.task}@{version.number} {version.digest}", "bold")
    screen.line(f"accepted {version.created_at:%Y-%m-%d %H:%M:%S} from {shown(version.author) or 'unknown'}")
    if version.message:
        screen.line(shown(version.message))
    screen.line(f"labels: {', '.join(map(shown, version.labels))}")
    screen.line(f"aliases: {', '.join(map(shown, version.aliases)) or 'none'}")
