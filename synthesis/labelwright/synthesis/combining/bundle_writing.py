"""From what was made to a bundle: the files that are checked, written or pushed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from labelwright.core.bundle import (
    GOLD_FILE,
    GUIDE_FILE,
    PROVENANCE_FILE,
    SAMPLE_FILE,
    Bundle,
    Program,
    open_bundle,
)
from labelwright.core.errors import InvalidBundle
from labelwright.core.label_model import LABEL_MODEL_FILE
from labelwright.core.row import LABEL_COLUMN, Row, row_of_record
from labelwright.core.task import TASK_FILE, Task
from labelwright.synthesis.asking.sampling import random_order
from labelwright.synthesis.rows import Rows

SAMPLE_ROWS = 500
"""Records of the bundle's sample. Drift is measured against its shares: a share of 20% is known to within 4 points."""


def make_bundle(
    rows: Rows, programs: Sequence[Program], *, label_model: str, provenance: str, guide: str = ""
) -> Bundle:
    """Return the bundle; ``label_model``, ``provenance`` and ``guide`` are the texts of their files.

    Raises InvalidBundle where the files do not make a bundle, such as one without programs.
    """
    task = rows.task
    files = [(TASK_FILE, task.toml.encode()), (PROVENANCE_FILE, provenance.encode("utf-8", "replace"))]
    files += [(program.path, program.source.encode()) for program in programs]
    files.append((LABEL_MODEL_FILE, label_model.encode()))
    if guide:
        files.append((GUIDE_FILE, guide.encode("utf-8", "replace") + b"\n"))
    if rows.gold:
        files.append((GOLD_FILE, _lines(labeled_values(task, row) for row in rows.gold)))
    sample = [rows.records[index] for index in random_order(len(rows.records), 0)[:SAMPLE_ROWS]]
    if sample:
        files.append((SAMPLE_FILE, _lines(row_of_record(task, record) for record in sample)))
    bundle, findings = open_bundle(files)
    if bundle is None:
        raise InvalidBundle("what was made is not a bundle", findings=findings)
    return bundle


def labeled_values(task: Task, row: Row) -> dict[str, object]:
    """Return the row as it stands in a file of gold rows."""
    label = {} if row.label is None else {LABEL_COLUMN: task.label_names[row.label]}
    return {**({"id": row.id} if row.id else {}), **row_of_record(task, row.record), **label}


def _lines(rows: Iterable[dict[str, object]]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
