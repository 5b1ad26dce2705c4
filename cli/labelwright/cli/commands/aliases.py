"""``labelwright promote``, ``rollback`` and ``history``: move an alias, and see who moved it."""

from __future__ import annotations

from typing import Annotated

import typer
from labelwright.cli import options
from labelwright.cli.exits import ExitCode
from labelwright.cli.screen import Screen, shown
from labelwright.cli.version_names import parse_numbered, parse_version_name
from labelwright.cli.views.reports import show_gates, table
from labelwright.client import AliasChange, Registry
from labelwright.core.alias import PRODUCTION
from labelwright.core.errors import ConfigurationError, GateFailed
from rich.text import Text

AliasName = Annotated[str, typer.Option("--alias", metavar="NAME", help="The alias to move.")]


def promote(
    version: Annotated[str, typer.Argument(metavar="TASK@VERSION", help="The version to move the alias to.")],
    alias: AliasName = PRODUCTION,
    override: Annotated[bool, typer.Option("--override", help="Move production even if a gate does not hold.")] = False,
    expected: Annotated[
        int | None,
        typer.Option("--expected", min=0, metavar="N", help="Move only if it names version N now; 0: no version."),
    ] = None,
    actor: options.Actor = "",
    reason: options.Reason = "",
    registry: options.RegistryAddress = options.REGISTRY,
    json: options.Json = False,
) -> None:
    """Move an alias, "production" by default, to a version.

    The gates in task.toml must hold for production; ends with 1 if one does not.
    """
    screen = Screen(json=json)
    task, number = parse_numbered(version)
    with Registry(registry) as target:
        try:
            move = target.set_alias(
                task,
                number,
                alias=alias,
                actor=actor or options.default_actor(),
                reason=reason,
                override=override,
                expected_version=expected,
            )
        except GateFailed as error:
            _, report = target.version(task, version=number)
            if not screen.json:
                show_gates(screen, report.gates)
            error.advice = error.advice or "correct the programs, or use --override with a --reason"
            raise
    if screen.json:
        screen.document({"alias": move.alias, "changed": move.changed, "gates": move.gates})
        return
    show_gates(screen, move.gates)
    screen.line(f"{alias} {'now names' if move.changed else 'named already'} {task}@{number}", "bold green")


def rollback(
    task: Annotated[str, typer.Argument(metavar="TASK", help="The task.")],
    alias: AliasName = PRODUCTION,
    expected: Annotated[
        int | None, typer.Option("--expected", min=1, metavar="N", help="Move only if it names version N now.")
    ] = None,
    actor: options.Actor = "",
    reason: options.Reason = "",
    registry: options.RegistryAddress = options.REGISTRY,
    json: options.Json = False,
) -> None:
    """Move an alias back to the version before. Ends with 1 if there is none."""
    screen = Screen(json=json)
    with Registry(registry) as target:
        move = target.rollback(
            task, alias=alias, actor=actor or options.default_actor(), reason=reason, expected_version=expected
        )
    if screen.json:
        screen.document({"alias": move.alias, "from_version": move.from_version})
    else:
        screen.line(f"{alias} went back from {task}@{move.from_version} to {task}@{move.alias.version}", "bold green")


def history(
    task: Annotated[str, typer.Argument(metavar="TASK[:ALIAS]", help="The task, and an alias to see only its moves.")],
    limit: Annotated[int, typer.Option("--limit", min=1, metavar="N", help="Show at most N moves.")] = 100,
    registry: options.RegistryAddress = options.REGISTRY,
    json: options.Json = False,
) -> None:
    """Show who moved a task's aliases, when and why, newest first."""
    screen = Screen(json=json)
    name = parse_version_name(task)
    if name.version is not None:
        raise ConfigurationError("a version has no history", advice=f"write {name.task} or {name.task}:ALIAS")
    with Registry(registry) as source:
        changes = source.history(name.task, alias=name.alias or "", limit=limit)
    if screen.json:
        screen.document({"task": name.task, "changes": changes})
    else:
        _show_history(screen, changes)
    raise typer.Exit(ExitCode.OK)


def _show_history(screen: Screen, changes: list[AliasChange]) -> None:
    rows = table("when", "alias", "from", "to", texts=("who", "why"))
    for change in changes:
        rows.add_row(
            f"{change.changed_at:%Y-%m-%d %H:%M:%S}",
            Text(shown(change.alias)),
            str(change.from_version or "-"),
            str(change.to_version or "-") + _how(change),
            Text(shown(change.actor)),
            Text(shown(change.reason)),
        )
    screen.show(rows)


def _how(change: AliasChange) -> str:
    return " overridden" if change.overridden else " rollback" if change.rollback else ""
