"""From a synthesis to a bundle: the files that are checked, written or pushed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from labelwright.core.bundle import (
    GOLD_FILE,
    PROVENANCE_FILE,
    SAMPLE_FILE,
    Bundle,
    Program,
    open_bundle,
)
from labelwright.core.errors import InvalidBundle
from labelwright.core.label_model import LABEL_MODEL_FILE
from labelwright.core.record import Record
from labelwright.core.row import LABEL_COLUMN, Row, row_of_record
from labelwright.core.task import TASK_FILE, Task
from labelwright.synthesis.asking.sampling import random_order

SAMPLE_ROWS = 500


def make_bundle(
    task: Task,
    task_text: str,
    programs: Sequence[Program],
    *,
    label_model: str | None,
    provenance: str,
    gold: Sequence[Row],
    records: Sequence[Record],
) -> Bundle:
    """Return the bundle; ``label_model`` is the file's text, None for majority vote.

    A sample of the records goes in as what drift is measured against. Raises InvalidBundle where the files do not
    make a bundle, such as one without programs.
    """
    files = [(TASK_FILE, task_text.encode()), (PROVENANCE_FILE, provenance.encode("utf-8", "replace"))]
    files += [(program.path, program.source.encode()) for program in programs]
    if label_model is not None:
        files.append((LABEL_MODEL_FILE, label_model.encode()))
    if gold:
        files.append((GOLD_FILE, _lines(_gold_values(task, row) for row in gold)))
    sample = [records[index] for index in random_order(len(records), 0)[:SAMPLE_ROWS]]
    if sample:
        files.append((SAMPLE_FILE, _lines(row_of_record(task, record) for record in sample)))
    bundle, findings = open_bundle(files)
    if bundle is None:
        raise InvalidBundle("what was made is not a bundle", findings=findings)
    return bundle


def _gold_values(task: Task, row: Row) -> dict[str, object]:
    label = {} if row.label is None else {LABEL_COLUMN: task.label_names[row.label]}
    return {**({"id": row.id} if row.id else {}), **row_of_record(task, row.record), **label}


def _lines(rows: Iterable[dict[str, object]]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
