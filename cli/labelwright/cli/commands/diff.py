"""``labelwright diff``: what changes from one bundle to another, in the programs and in the labels."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Annotated, Any

import typer
from labelwright.cli import options
from labelwright.cli.labeling.answering import Answerer, FolderAnswerer
from labelwright.cli.labeling.bundle_diff import FileChange, LabelChanges, compare_files, compare_labels, own_rows
from labelwright.cli.labeling.run import check_first
from labelwright.cli.rows.row_reading import FIRST_ROWS, open_rows
from labelwright.cli.screen import Screen, shown
from labelwright.cli.version_names import NamedBundle, open_named_bundle
from labelwright.cli.views.reports import table
from labelwright.core.bundle import Bundle
from rich.text import Text

_VERDICT_STYLES = {"became right": "green", "became wrong": "red"}
_DIFF_STYLES = {"+": "green", "-": "red", "@": "cyan"}


def diff(
    before: Annotated[str, typer.Argument(metavar="A", help="A folder, or TASK[@VERSION|:ALIAS].")],
    after: Annotated[str, typer.Argument(metavar="B", help="The same, later.")],
    records: Annotated[
        str,
        typer.Option(
            "--records", metavar="FILE", help="Rows to compare labels on; B's sample and gold rows if not given."
        ),
    ] = "",
    no_records: Annotated[bool, typer.Option("--no-records", help="Compare files only; needs no sandbox.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=0, metavar="N", help="Show at most N changed rows.")] = 20,
    registry: options.RegistryAddress = options.REGISTRY,
    json: options.Json = False,
) -> None:
    """Show which programs were added, removed or changed, and which rows change label.

    Of rows with a column label it says which became right and which wrong.
    """
    screen = Screen(json=json)
    for folder in filter(Path.is_dir, map(Path, (before, after))):
        screen.note_leavings(folder)
    old, new = open_named_bundle(before, registry), open_named_bundle(after, registry)
    files = compare_files(old.bundle, new.bundle)
    labels = None if no_records else _compare(old.bundle, new.bundle, records, limit)
    if screen.json:
        screen.document(_document(old, new, files, labels))
        return
    _show_files(screen, old, new, files)
    if labels:
        _show_labels(screen, labels)


def _compare(before: Bundle, after: Bundle, records: str, limit: int) -> LabelChanges:
    old, new = FolderAnswerer(before), FolderAnswerer(after)
    try:
        rows = _checked(new, _rows(records)) if records else own_rows(before, after)
        return compare_labels(old, new, rows, limit)
    finally:
        old.close()
        new.close()


def _checked(answerer: Answerer, rows: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the rows. Raises ConfigurationError where the first fail for one and the same reason."""
    first = list(islice(rows, FIRST_ROWS))
    batches = answerer.batches(first)
    if first:
        check_first(answerer, first[0], [outcome for batch in batches for outcome in answerer.answer(batch)])
    return chain(first, rows)


def _rows(path: str) -> Iterator[dict[str, Any]]:
    source = open_rows(path)
    try:
        yield from (row.columns for row in source.rows() if not row.problem)
    finally:
        source.close()


def _document(
    old: NamedBundle, new: NamedBundle, files: list[FileChange], labels: LabelChanges | None
) -> dict[str, object]:
    compared = labels and {
        "rows": labels.rows,
        "changed": labels.changed,
        "moves": [{"before": was, "after": now, "rows": count} for (was, now), count in labels.moves.most_common()],
        "known": labels.known,
        "became_right": labels.verdicts["became right"],
        "became_wrong": labels.verdicts["became wrong"],
        "examples": labels.examples,
    }
    return {
        "before": {"name": old.name, "digest": old.bundle.digest},
        "after": {"name": new.name, "digest": new.bundle.digest},
        "files": files,
        "labels": compared,
    }


def _show_files(screen: Screen, old: NamedBundle, new: NamedBundle, files: list[FileChange]) -> None:
    if not files:
        screen.line(f"{old.name} and {new.name} have the same content ({new.bundle.digest})", "bold")
    for file in files:
        screen.line(f"{file.change} {file.path}", "bold")
        for line in file.diff.splitlines():
            screen.line(f"  {shown(line)}", _DIFF_STYLES.get(line[:1], ""))


def _show_labels(screen: Screen, labels: LabelChanges) -> None:
    screen.line(f"{labels.changed:,} of {labels.rows:,} rows change label", "bold")
    if not labels.changed:
        return
    moves = table("rows", texts=("from", "to"))
    for (was, now), count in labels.moves.most_common():
        moves.add_row(f"{count:,}", _label(was), _label(now))
    screen.show(moves)
    if labels.known:
        better, worse = labels.verdicts["became right"], labels.verdicts["became wrong"]
        screen.line(f"of {labels.known:,} rows with a right label, {better:,} became right and {worse:,} became wrong")
    knows = any(change.verdict for change in labels.examples)
    examples = table("from", texts=("to", *(["by gold"] if knows else []), "record"))
    for change in labels.examples:
        verdict = [Text(change.verdict or "", _VERDICT_STYLES.get(change.verdict or "", ""))] if knows else []
        examples.add_row(_label(change.before), _label(change.after), *verdict, Text(shown(change.record)))
    screen.show(examples)


def _label(label: str | None) -> Text:
    return Text("abstained", "dim") if label is None else Text(shown(label))
