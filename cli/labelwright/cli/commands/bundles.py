"""``labelwright check`` and ``labelwright push``: judge a bundle, and make it a version."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from labelwright.cli import options
from labelwright.cli.command_name import command_name
from labelwright.cli.exits import ExitCode
from labelwright.cli.extras import open_sandbox, require
from labelwright.cli.screen import Screen
from labelwright.cli.views.reports import show_authors, show_gates, show_report
from labelwright.client import AliasMove, PushResult, Registry, Report
from labelwright.core.alias import PRODUCTION
from labelwright.core.bundle import Bundle
from labelwright.core.errors import GateFailed
from labelwright.core.origin import authors

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The bundle's folder.", exists=True, file_okay=False)]


def check(folder: Folder, json: options.Json = False) -> None:
    """Report everything that is wrong with a bundle, without a server.

    Form, static checks, loading and determinism in the sandbox, figures and gates on the gold rows.
    """
    screen = Screen(json=json)
    screen.note_leavings(folder)
    bundle, report = judge(folder)
    unjudged = _unjudged(bundle, report)
    passed = not report.refused and report.gates_hold
    if screen.json:
        digest = bundle.digest if bundle else None
        written = authors(bundle) if bundle else {}
        screen.document({"ok": passed, "digest": digest, "report": report, "unjudged": unjudged, "authors": written})
    else:
        show_report(screen, report)
        if bundle:
            show_authors(screen, bundle)
        for gate in unjudged:
            screen.line(f"gate {gate} is not judged here: it needs the production version", "yellow")
            screen.note("    push --dry-run judges it and keeps nothing")
        _show_verdict(screen, folder, report)
    raise typer.Exit(ExitCode.OK if passed else ExitCode.NO)


def judge(folder: Path) -> tuple[Bundle | None, Report]:
    """Return the bundle and what acceptance says of it. Raises ConfigurationError, SandboxUnavailable."""
    require("labelwright.registry.acceptance.acceptance", "registry", "checking a bundle")
    from labelwright.registry.acceptance import acceptance
    from labelwright.registry.acceptance.gate import check_drop

    with open_sandbox("checking a bundle") as sandbox:
        bundle, report = acceptance.accept_folder(sandbox, folder)
    # Without gold rows this gate fails whatever is in production; with them only a registry can tell.
    without_gold = bundle and not report.refused and not report.gold
    return bundle, report.with_gates(check_drop(bundle.task.gates, None, None)) if bundle and without_gold else report


def _unjudged(bundle: Bundle | None, report: Report) -> list[str]:
    """Return the gates that only a registry can judge."""
    is_set = bundle is not None and bundle.task.gates.max_accuracy_drop is not None
    return ["max_accuracy_drop"] if is_set and report.gold else []


def _show_verdict(screen: Screen, folder: Path, report: Report) -> None:
    """Say in the same words, wherever the same was found, what became of a bundle."""
    verdict = (
        "refused"
        if report.refused
        else "well made"
        if report.gates_hold
        else "well made, but a gate does not hold: it may not become production"
    )
    screen.line(f"{folder}: {verdict}", "bold green" if verdict == "well made" else "bold red")


def push(
    folder: Folder,
    message: Annotated[str, typer.Option("--message", "-m", metavar="TEXT", help="What is new in it.")] = "",
    author: Annotated[str, typer.Option("--author", metavar="NAME", help="Who made it; user@host if not given.")] = "",
    alias: Annotated[
        str, typer.Option("--alias", metavar="NAME", help="Move this alias to the version, such as production.")
    ] = "",
    override: Annotated[bool, typer.Option("--override", help="Move production even if a gate does not hold.")] = False,
    reason: options.Reason = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only report what a push would find.")] = False,
    registry: options.RegistryAddress = options.REGISTRY,
    json: options.Json = False,
) -> None:
    """Push a bundle to the registry; the same content gives the same version again.

    Ends with 1, as check does, where the bundle is refused or a gate does not hold; in the latter case it is kept all
    the same, and --override or another alias than production asks for no gate.
    """
    screen = Screen(json=json)
    screen.note_leavings(folder)
    actor = author or options.default_actor()
    with Registry(registry) as target:
        result = target.push(folder, author=actor, message=message, validate_only=dry_run)
        move, refusal = None, None
        if alias and result.version:
            try:
                move = target.set_alias(
                    result.version.task,
                    result.version.number,
                    alias=alias,
                    actor=actor,
                    reason=reason or message,
                    override=override,
                )
            except GateFailed as error:
                refusal = error
    passed = not result.report.refused and refusal is None and (bool(move) or override or result.report.gates_hold)
    if screen.json:
        screen.document(_document(result, move, refusal, passed))
    else:
        _show(screen, folder, result, move, refusal, dry_run)
    raise typer.Exit(ExitCode.OK if passed else ExitCode.NO)


def _document(
    result: PushResult, move: AliasMove | None, refusal: GateFailed | None, passed: bool
) -> dict[str, object]:
    return {
        "ok": passed,
        "created": result.created,
        "version": result.version,
        "report": result.report,
        "alias": move.alias if move else None,
        "refusal": {"reason": refusal.reason, "message": refusal.message} if refusal else None,
    }


def _show(
    screen: Screen,
    folder: Path,
    result: PushResult,
    move: AliasMove | None,
    refusal: GateFailed | None,
    dry_run: bool,
) -> None:
    show_report(screen, result.report)
    _show_verdict(screen, folder, result.report)
    if result.version:
        name = f"{result.version.task}@{result.version.number}"
        screen.line(f"{name} {'accepted' if result.created else 'was there already'} ({result.version.digest})", "bold")
        if not (move or refusal):
            screen.note(f"next: {command_name()} promote {name}")
    elif dry_run:
        screen.note("nothing was kept")
    if move:
        show_gates(screen, () if move.alias.name == PRODUCTION and result.report.gates else move.gates)
        state = "now names" if move.changed else "named already"
        screen.line(f"{move.alias.name} {state} {move.alias.task}@{move.alias.version}", "bold green")
    if refusal:
        screen.line(f"not promoted: {refusal.message}", "bold red")
        screen.note("correct the programs, or use --override with a --reason; both are kept in the history")
