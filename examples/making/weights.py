"""Fits a weighted label model by counting how often each program votes so where a label is right."""

from __future__ import annotations

import inspect
from collections import Counter
from pathlib import Path

from labelwright.core.bundle import Bundle, Program, program_digests, read_folder
from labelwright.core.errors import InvalidBundle
from labelwright.core.label_model import LABEL_MODEL_FILE, dump_weighted

SMOOTHING = 1.0
"""Votes of every kind that each program is given beforehand, so that nothing has probability 0."""


def write(folder: Path) -> None:
    """Fit on the bundle's gold rows and write ``label_model.json``. Runs the programs right here: they are our own."""
    path = folder / LABEL_MODEL_FILE
    path.unlink(missing_ok=True)
    bundle, findings = read_folder(folder)
    if bundle is None:
        raise InvalidBundle(f"{folder} is no bundle", findings=findings)
    labels = bundle.task.label_names
    truth = Counter(labels[row.label] for row in bundle.gold if row.label is not None)
    prior = [(truth[label] + SMOOTHING) / (len(bundle.gold) + SMOOTHING * len(labels)) for label in labels]
    likelihood = [_likelihood(bundle, program) for program in bundle.programs]
    path.write_text(
        dump_weighted(
            labels,
            program_digests(bundle.programs),
            [round(share, 4) for share in prior],
            [[[round(share, 4) for share in row] for row in table] for table in likelihood],
            method="counted on the gold rows, add-one smoothing",
        )
        + "\n",
        encoding="utf-8",
    )


def _likelihood(bundle: Bundle, program: Program) -> list[list[float]]:
    """Return P(vote | label) by vote and label. What a label's probabilities lack to 1 is that of abstaining.

    Counted over all rows of the label and not only those with a vote: a program that knows one label only says so by
    abstaining on the others.
    """
    labels = range(len(bundle.task.label_names))
    rows = Counter(row.label for row in bundle.gold)
    counts = Counter(zip(votes(bundle, program), (row.label for row in bundle.gold), strict=True))
    outcomes = len(labels) + 1
    return [
        [(counts[name, truth] + SMOOTHING) / (rows[truth] + SMOOTHING * outcomes) for truth in labels]
        for name in bundle.task.label_names
    ]


def votes(bundle: Bundle, program: Program) -> list[str | None]:
    """Return the program's votes on the gold rows."""
    scope: dict[str, object] = {"__name__": program.name}
    exec(compile(program.source, program.path, "exec"), scope)  # noqa: S102 - the example's own source
    label = scope["label"]
    assert callable(label)
    fields = list(bundle.task.fields)
    positions = [fields.index(name) for name in inspect.signature(label).parameters]
    return [label(*(row.record[position] for position in positions)) for row in bundle.gold]
