"""JSON Lines files: rows of records, and of labels."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tests.parts.repository import EXAMPLES

UNLABELED = EXAMPLES / "spam" / "unlabeled.jsonl"


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def write_rows(path: Path, rows: Iterable[Mapping[str, object]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def without_source(path: Path) -> list[dict[str, object]]:
    """Return the rows but for where their answers came from, which depends on what the server remembers."""
    return [{name: value for name, value in row.items() if name != "source"} for row in rows_of(path)]
