"""The finished output: made of a journal, whole or not at all, and read again where rows came since."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from labelwright.cli.rows.journal import Journal
from labelwright.cli.rows.output_row import ADDED, CsvFormat, JsonLinesFormat
from labelwright.cli.rows.parquet_writing import write_parquet
from labelwright.cli.rows.row_reading import ParquetRows, open_rows
from labelwright.client.messages.labels import Details
from labelwright.core.errors import ConfigurationError

_DRAFT_SUFFIX = ".new"
_READ: Mapping[str, Callable[[str], Any]] = {
    "probability": float,
    "version": int,
    "votes": json.loads,
    "distribution": json.loads,
}
"""How a text becomes what it stands for: CSV has nothing but text, and objects are text in Parquet too."""


def draft_path(output: Path) -> Path:
    """Return where ``output`` is written before it gets its name."""
    return output.with_name(output.name + _DRAFT_SUFFIX)


def write_output(
    output: Path,
    kind: str,
    journal: Journal,
    columns: tuple[str, ...],
    *,
    typed: ParquetRows | None,
    keeps_bytes: bool,
    details: Details,
) -> None:
    """Make ``output`` of the journal's rows; a file of that name is replaced.

    ``columns`` are the input's. In Parquet they have the types and the values of ``typed`` where that is given: JSON,
    which the journal is, knows fewer. ``keeps_bytes`` is that of ``CsvFormat``.
    """
    draft = draft_path(output)
    if kind == "parquet":
        write_parquet(journal, draft, columns, typed=typed, details=details)
    elif kind == "csv":
        _write_csv(journal, draft, CsvFormat(columns, details, keeps_bytes=keeps_bytes))
    else:
        _write_json_lines(journal, draft, renames=not set(ADDED).isdisjoint(columns))
    with draft.open("rb") as file:
        os.fsync(file.fileno())
    draft.replace(output)


def output_digest(output: Path) -> str:
    """Return the SHA-256 of the file."""
    with output.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def read_added(output: Path, kind: str) -> Iterator[dict[str, Any]]:
    """Yield what labeling added to each row of a finished output, as it stood in the journal."""
    with closing(open_rows(str(output), kind)) as source:
        for row in source.rows():
            # A row that came in with bytes that are no UTF-8 went out with them: what was added can be read.
            if row.problem and ADDED[0] not in row.columns:
                raise ConfigurationError(
                    f"{output}: {row.place} cannot be read again: {row.problem}",
                    advice="name another output, or start anew with --overwrite",
                )
            yield _added(row.columns)


def _write_csv(journal: Journal, draft: Path, row_format: CsvFormat) -> None:
    with draft.open("wb") as file:
        file.write(row_format.header)
        file.writelines(row_format.encode(columns, added) for columns, added in journal.entries())


def _write_json_lines(journal: Journal, draft: Path, *, renames: bool) -> None:
    with draft.open("wb") as file:
        if renames:
            file.writelines(JsonLinesFormat().encode(columns, added) for columns, added in journal.entries())
        else:  # the same, without reading what would be written as it was
            file.writelines(_joined(row, added) for row, added in journal.lines())


def _joined(row: bytes, added: bytes) -> bytes:
    """Return the JSON object of both objects' members."""
    return (added if row == b"{}" else row[:-1] + b", " + added[1:]) + b"\n"


def _added(columns: Mapping[str, Any]) -> dict[str, Any]:
    added = {name: None if columns[name] == "" else columns[name] for name in ADDED if name in columns}
    if added.get("error") is None:
        added.pop("error", None)
    return {
        name: _READ[name](value) if name in _READ and isinstance(value, str) else value for name, value in added.items()
    }
