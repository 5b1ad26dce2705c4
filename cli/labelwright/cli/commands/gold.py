"""``labelwright score`` and ``labelwright next``: labels beside gold, and which records should become gold next."""

from __future__ import annotations

import sys
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer
from labelwright.cli import options
from labelwright.cli.commands.bundles import Folder
from labelwright.cli.extras import require
from labelwright.cli.labeling.answering import FolderAnswerer
from labelwright.cli.labeling.next_rows import choose_next, find_candidates
from labelwright.cli.rows.output_row import json_bytes
from labelwright.cli.rows.record_reading import MAX_RECORDS
from labelwright.cli.rows.row_reading import open_rows
from labelwright.cli.screen import Screen, shown
from labelwright.cli.views.reports import table
from labelwright.client.messages.registry import open_folder
from rich.text import Text

if TYPE_CHECKING:
    from labelwright.cli.labeling.scoring import Score
    from labelwright.synthesis.statistics.chance import Interval

_MATRIX_LABELS = 12
"""Labels up to which the confusion matrix is shown to people; --json has all of it."""


def score(
    file: Annotated[str, typer.Argument(metavar="FILE", help="Labeled rows: .jsonl, .csv or .parquet.")],
    gold: Annotated[str, typer.Option("--gold", metavar="FILE", help="The right labels of some or all of these rows.")],
    encoding: Annotated[
        str, typer.Option("--encoding", metavar="NAME", help="The labeled file's encoding if it is not UTF-8.")
    ] = "",
    json: options.Json = False,
) -> None:
    """Measure the labels of a file by rows whose right label is known.

    Rows are found by their column id where both files have it, else by all columns that both have.
    """
    screen = Screen(json=json)
    require("labelwright.cli.labeling.scoring", "synthesis", "scoring a file")
    from labelwright.cli.labeling.scoring import score_file

    result = score_file(file, gold, encoding)
    if screen.json:
        screen.document(_document(result))
    else:
        _show(screen, result)


def next_(
    folder: Folder,
    input_: Annotated[str, typer.Option("--input", metavar="FILE", help="Records: .jsonl, .csv or .parquet.")],
    count: Annotated[int, typer.Option("--count", min=1, metavar="N", help="How many records to name.")] = 50,
    encoding: Annotated[
        str, typer.Option("--encoding", metavar="NAME", help="The file's encoding if it is not UTF-8.")
    ] = "",
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random choice.")] = 0,
) -> None:
    """Say which records a person should label next, and why, as JSON Lines.

    In turn those that programs disagree on, those that they are unsure of, and random ones; none that is gold already.
    """
    screen = Screen()
    screen.note_leavings(folder)
    bundle = open_folder(folder)
    answerer = FolderAnswerer(bundle)
    try:
        with closing(open_rows(input_, encoding=encoding)) as source:
            candidates = find_candidates(bundle, answerer, source.rows())
    finally:
        answerer.close()
    chosen = choose_next(candidates.rows, count, seed)
    for item in chosen:
        row = item.candidate
        told = {"reason": item.reason, "why": item.why, "suggested": row.label, "probability": row.probability}
        sys.stdout.buffer.write(json_bytes({**row.columns, "next": told}) + b"\n")
    sys.stdout.buffer.flush()
    reasons = Counter(item.reason for item in chosen)
    kinds = ", ".join(f"{number} {reason}" for reason, number in reasons.items())
    screen.note(f"{len(chosen):,} of {len(candidates.rows):,} different records{f': {kinds}' if kinds else ''}")
    for number, what in ((candidates.known, "are gold already"), (candidates.faulty, "cannot be labeled")):
        if number:
            screen.note(f"left out: {number:,} that {what}", "yellow")
    if candidates.more:
        screen.note(f"the first {MAX_RECORDS:,} rows were looked at", "yellow")


def _document(score: Score) -> dict[str, object]:
    quality = score.quality
    return {
        "rows": quality.rows,
        "by": score.by,
        "without_gold": score.without_gold,
        "missing": score.missing,
        "accuracy": quality.accuracy,
        "interval": quality.interval,
        "coverage": quality.coverage,
        "covered_accuracy": quality.covered_accuracy,
        "macro_f1": quality.macro_f1,
        "macro_f1_interval": quality.macro_f1_interval,
        "labels": [
            {
                "label": name,
                "rows": counts.right,
                "given": counts.given,
                "right": counts.hits,
                "precision": counts.precision,
                "recall": counts.recall,
                "f1": counts.f1,
                "f1_interval": interval,
            }
            for name, counts, interval in zip(score.labels, score.counts, quality.f1_intervals, strict=True)
        ],
        "confusion": quality.confusion.tolist(),
        "calibration_error": score.calibration_error,
        "bands": score.bands,
    }


def _show(screen: Screen, score: Score) -> None:
    quality = score.quality
    screen.line(f"{quality.rows:,} rows have a right label to compare with, found by {', '.join(score.by)}")
    for count, what in (
        (score.without_gold, "rows of the file have none and count in no figure"),
        (score.missing, "gold rows are not in the file"),
    ):
        if count:
            screen.line(f"  {count:,} {what}", "yellow")
    screen.line(f"accuracy {quality.accuracy:.1%} ({_range(quality.interval)}); a row without a label counts as wrong")
    screen.line(f"labeled {quality.coverage:.1%} of the rows, {quality.covered_accuracy:.1%} of these rightly")
    screen.line(f"macro F1 {quality.macro_f1:.1%} ({_range(quality.macro_f1_interval)})")
    screen.line("")
    labels = table("label", "rows", "given", "right of those given", "found of those there are", "F1", "95%")
    for name, counts, interval in zip(score.labels, score.counts, quality.f1_intervals, strict=True):
        shares = [f"{share:.1%}" for share in (counts.precision, counts.recall, counts.f1)]
        labels.add_row(Text(shown(name)), f"{counts.right:,}", f"{counts.given:,}", *shares, _range(interval))
    screen.show(labels)
    if len(score.labels) <= _MATRIX_LABELS:
        screen.line("")
        matrix = table("right label \\ given label", *map(shown, score.labels), "no label")
        for name, counted in zip(score.labels, quality.confusion.tolist(), strict=True):
            matrix.add_row(Text(shown(name)), *(f"{count:,}" for count in counted))
        screen.show(matrix)
    screen.line("")
    _show_bands(screen, score)


def _show_bands(screen: Screen, score: Score) -> None:
    if score.bands is None or score.calibration_error is None:
        screen.line("the file has no column probability: nothing can be said of that")
        return
    bands = table("probability", "labels", "promised", "right", "95%")
    for band in score.bands:
        bands.add_row(
            f"{band.low:.1f} to {band.high:.1f}",
            f"{band.rows:,}",
            f"{band.promised:.1%}",
            f"{band.right:.1%}",
            _range(band.interval),
        )
    screen.show(bands)
    off = score.calibration_error
    screen.line(f"probabilities are off by {off:.3f} on average (expected calibration error, ten bands)")


def _range(interval: Interval) -> str:
    low, high = interval
    return f"{100 * low:.1f} to {100 * high:.1f}"
