"""Output rows: the input's columns and what labeling adds to them. Pure.

An input column that has the name of an added one is kept as ``input_<name>``.
"""

from __future__ import annotations

import base64
import csv
import io
import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from functools import lru_cache
from typing import Any, Protocol

from labelwright.cli.rows.failing import failure_of
from labelwright.cli.rows.row_reading import InputRow
from labelwright.cli.screen import as_json
from labelwright.client.messages.results import Labeling, Outcome

ADDED = ("label", "probability", "version", "source", "votes", "error")
_CLASH_PREFIX = "input_"


@lru_cache(maxsize=256)
def kept_columns(names: tuple[str, ...]) -> Mapping[str, str]:
    """Return the output's name of each input column."""
    kept: dict[str, str] = {}
    taken = set(ADDED) | set(names)
    for name in names:
        new = name
        while new in ADDED or (new != name and new in taken):
            new = _CLASH_PREFIX + new
        taken.add(new)
        kept[name] = new
    return kept


def added_columns(row: InputRow, outcome: Outcome, *, explain: bool) -> dict[str, Any]:
    """Return the added columns; ``error`` only where there is one. ``version`` is None where a folder answered."""
    failure = failure_of(outcome)
    error = {"error": f"{row.place}: {failure.reason}: {failure.message}"} if failure else {}
    if not isinstance(outcome, Labeling):
        blank = {"label": None, "probability": None, "version": None, "source": None}
        votes = {"votes": None} if explain else {}
        return blank | votes | error
    added: dict[str, Any] = {
        "label": outcome.label,
        "probability": outcome.probability,
        "version": outcome.version or None,
        "source": outcome.source,
    }
    return added | ({"votes": as_json(outcome.votes)} if explain else {}) | error


class RowFormat(Protocol):
    """How rows stand in an output file that is written front to back."""

    @property
    def header(self) -> bytes:
        """What the file begins with."""
        ...

    def encode(self, row: InputRow, added: Mapping[str, Any]) -> bytes:
        """Return the row's bytes, ended by a line feed. Raises KeyError for a column that the header lacks."""
        ...

    def matches(self, line: bytes, row: InputRow) -> bool:
        """Whether a complete row of the file is the output of this input row, whatever its label."""
        ...

    def added_part(self, line: bytes) -> Mapping[str, Any]:
        """Return what labeling added to a complete row; in CSV every value is text."""
        ...


class JsonLinesFormat:
    """One JSON object a line."""

    header = b""

    def encode(self, row: InputRow, added: Mapping[str, Any]) -> bytes:
        """See RowFormat."""
        return _json_bytes(_kept(row) | dict(added)) + b"\n"

    def matches(self, line: bytes, row: InputRow) -> bool:
        """See RowFormat."""
        kept = _json_bytes(_kept(row))[:-1]
        return line.startswith(kept + (b', "label": ' if len(kept) > 1 else b'"label": '))

    def added_part(self, line: bytes) -> Mapping[str, Any]:
        """See RowFormat."""
        return {name: value for name, value in json.loads(line).items() if name in ADDED}


class CsvFormat:
    """Comma-separated values with a header line."""

    def __init__(self, columns: Iterable[str], *, explain: bool) -> None:
        self._kept = kept_columns(tuple(columns))
        self._added = tuple(name for name in ADDED if explain or name != "votes")
        self.header = _csv_line([*self._kept.values(), *self._added])

    def encode(self, row: InputRow, added: Mapping[str, Any]) -> bytes:
        """See RowFormat."""
        if unknown := row.columns.keys() - self._kept.keys():
            raise KeyError(min(unknown))
        kept = [_cell(row.columns.get(name)) for name in self._kept]
        return _csv_line(kept + [_cell(added.get(name)) for name in self._added])

    def matches(self, line: bytes, row: InputRow) -> bool:
        """See RowFormat."""
        kept = len(self._kept)
        return self._cells(line)[:kept] == self._cells(self.encode(row, {}))[:kept]

    def added_part(self, line: bytes) -> Mapping[str, Any]:
        """See RowFormat."""
        return dict(zip(self._added, self._cells(line)[len(self._kept) :], strict=True))

    def _cells(self, line: bytes) -> list[str]:
        try:
            rows = list(csv.reader([line.decode("utf-8")], strict=True))
        except csv.Error as error:
            raise ValueError(line) from error
        if len(rows) != 1 or len(rows[0]) != len(self._kept) + len(self._added):
            raise ValueError(line)
        return rows[0]


def _csv_line(cells: list[str]) -> bytes:
    buffer = io.StringIO()
    # The csv module leaves a lone carriage return unquoted, and then cannot read it back.
    every = any("\r" in cell for cell in cells)
    csv.writer(buffer, lineterminator="\n", quoting=csv.QUOTE_ALL if every else csv.QUOTE_MINIMAL).writerow(cells)
    return buffer.getvalue().encode("utf-8", "replace")


def _kept(row: InputRow) -> dict[str, Any]:
    names = kept_columns(tuple(row.columns))
    return {names[name]: value for name, value in row.columns.items()}


def _json_bytes(value: object) -> bytes:
    try:
        return json.dumps(value, ensure_ascii=False, default=_foreign).encode()
    except UnicodeEncodeError:  # half of a surrogate pair: only JSON's escape can express it
        return json.dumps(value, default=_foreign).encode()


def _foreign(value: object) -> object:
    """Turn what Parquet knows and JSON does not into text."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return str(value)


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case bytes():
            return base64.b64encode(value).decode()
        case _:
            return _json_bytes(value).decode()
