"""``labelwright fit``: the label model of a bundle, fitted again to its programs as they are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from labelwright.cli import options
from labelwright.cli.command_name import command_name
from labelwright.cli.commands.bundles import Folder
from labelwright.cli.exits import ExitCode
from labelwright.cli.extras import open_sandbox, require
from labelwright.cli.screen import Screen, shown
from labelwright.cli.views.reports import table
from labelwright.core.bundle import Bundle, open_bundle, read_files
from labelwright.core.errors import InvalidBundle
from labelwright.core.label_model import LABEL_MODEL_FILE
from labelwright.core.machine.whole_file import write_whole
from labelwright.features import Features

if TYPE_CHECKING:
    from labelwright.synthesis.combining.fitting import FitFigures, Refit

_FEW_ROWS = 50
"""Measured rows below which an accuracy of 0.85 is known no better than to within 10 points."""
_MEANINGS = {
    "even": "all votes count alike",
    "shrunk": "each program counts by how often it is right",
    "weighted": "each program's votes count by how often they stand with each label",
}
"""Methods, for people."""


def fit(
    folder: Folder,
    gold: Annotated[
        Path | None, typer.Option("--gold", metavar="FILE", help="Labeled rows (.jsonl); the bundle's if not given.")
    ] = None,
    json: options.Json = False,
) -> None:
    """Fit a bundle's label model again, after programs were changed, added or removed.

    Writes label_model.json. Rows that stood in the prompts of the programs are left out: they prove nothing.
    """
    screen = Screen(json=json)
    screen.note_leavings(folder)
    require("labelwright.synthesis.app", "synthesis", "fitting a label model")
    from labelwright.synthesis import app
    from labelwright.synthesis.combining.fitting import fit_again

    bundle, present = _read(folder)
    rows = app.read_gold(bundle.task, gold, Features.open(bundle.task).fill_lines) if gold else bundle.gold
    with open_sandbox("fitting a label model") as sandbox:
        refit = fit_again(sandbox, bundle, rows, present)
    path = folder / LABEL_MODEL_FILE
    write_whole(path, refit.text.encode())
    if screen.json:
        screen.document(_document(refit, path))
    else:
        _show(screen, folder, refit)
    raise typer.Exit(ExitCode.NO_BETTER if refit.is_no_better else ExitCode.OK)


def _read(folder: Path) -> tuple[Bundle, str | None]:
    """Return the bundle without its label model, which may not fit it any more, and that model's text."""
    files, findings = read_files(folder)
    contents = dict(files)
    present = contents.pop(LABEL_MODEL_FILE, None)
    bundle, more = open_bundle(contents.items())
    if bundle is None or findings:
        raise InvalidBundle(f"{folder} is no bundle", findings=[*findings, *more])
    return bundle, present.decode("utf-8-sig", "replace") if present is not None else None


def _document(refit: Refit, path: Path) -> dict[str, object]:
    return {
        "file": str(path),
        "method": refit.method,
        "changes": refit.changes,
        "gold_rows": refit.gold_rows,
        "shown_rows": refit.shown_rows,
        "judged_rows": refit.judged_rows,
        "commonest": refit.commonest,
        "before": refit.before,
        "after": refit.after,
    }


def _show(screen: Screen, folder: Path, refit: Refit) -> None:
    if refit.changes is None:
        was = "the majority decided" if refit.before else f"{LABEL_MODEL_FILE} could not be read"
        screen.line(f"there were no weights before: {was}")
    else:
        changes = refit.changes
        told = (("changed", changes.changed), ("added", changes.added), ("removed", changes.removed))
        said = "; ".join(f"{what} since the last fit: {', '.join(names)}" for what, names in told if names)
        screen.line(shown(said) or "no program is known to have changed since the last fit")
    left_out = f", {refit.shown_rows} left out that stood in prompts" if refit.shown_rows else ""
    judged = f", and {refit.judged_rows} records that the model labeled" if refit.judged_rows else ""
    screen.line(f"measured on {refit.gold_rows} gold rows{left_out}{judged}")
    figures = table("", "accuracy", "95% interval", "coverage", "right where labeled", "probability given")
    figures.add_row("before" if refit.before else "before: does not fit these programs", *_cells(refit.before))
    figures.add_row("now, by fits that had not seen the row", *_cells(refit.after))
    screen.show(figures)
    rows = refit.gold_rows + refit.judged_rows
    if rows < _FEW_ROWS:
        screen.line(f"{rows} rows are few: read the interval, not the accuracy, and add gold rows", "yellow")
    if refit.is_no_better:
        said = (
            f"no better than always saying the commonest label, which is right on {refit.commonest:.1%} of these rows"
        )
        screen.line(said, "bold red")
    screen.line(f"{folder / LABEL_MODEL_FILE}: {_MEANINGS[refit.method]}", "bold green")
    screen.note(f"next: {command_name()} check {folder} and {command_name()} push {folder}")


def _cells(figures: FitFigures | None) -> list[str]:
    if figures is None:
        return ["-"] * 5
    low, high = figures.interval
    return [
        f"{figures.accuracy:.3f}",
        f"{low:.3f} to {high:.3f}",
        f"{figures.coverage:.3f}",
        *("-" if share is None else f"{share:.3f}" for share in (figures.labeled_accuracy, figures.mean_probability)),
    ]
