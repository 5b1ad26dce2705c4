"""Records back to rows of JSON Lines, the way that labelwright.core.row reads them."""

from __future__ import annotations

import base64

from labelwright.core.record import Record
from labelwright.core.task import Task


def row_values(task: Task, record: Record) -> dict[str, object]:
    """Return the record's values by field, bytes as base64, absent ones left out."""
    return {
        name: base64.b64encode(value).decode() if isinstance(value, bytes) else value
        for name, value in zip(task.fields, record, strict=True)
        if value is not None
    }
