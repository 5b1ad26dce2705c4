"""Output rows: the input's columns and what labeling adds to them. Pure.

An input column that has the name of an added one is kept as ``input_<name>``.
"""

from __future__ import annotations

import base64
import csv
import io
import json
import math
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any

from labelwright.cli.rows.failing import failure_of
from labelwright.cli.rows.parquet_values import duration_text
from labelwright.cli.rows.row_reading import InputRow
from labelwright.cli.screen import as_json
from labelwright.client.messages.labels import Details
from labelwright.client.messages.results import Labeling, Outcome
from typing_extensions import override

ADDED = ("label", "probability", "version", "source", "votes", "distribution", "error")
_CLASH_PREFIX = "input_"
_HALF_PAIR = re.compile("[\ud800-\udfff]")


@lru_cache(maxsize=256)
def kept_columns(names: tuple[str, ...]) -> Mapping[str, str]:
    """Return the output's name of each input column."""
    output_names: dict[str, str] = {}
    occupied = set(ADDED) | set(names)
    for name in names:
        output_name = name
        while output_name in ADDED or (output_name != name and output_name in occupied):
            output_name = _CLASH_PREFIX + output_name
        occupied.add(output_name)
        output_names[name] = output_name
    return output_names


def added_names(details: Details) -> list[str]:
    """Return the names of the added columns."""
    asked_for = {"votes": details.explain, "distribution": details.distribution}
    return [name for name in ADDED if asked_for.get(name, True)]


def added_columns(row: InputRow, outcome: Outcome, details: Details) -> dict[str, Any]:
    """Return the added columns; ``error`` only where there is one. ``version`` is None where a folder answered."""
    answer = outcome if isinstance(outcome, Labeling) else None
    added: dict[str, Any] = {
        "label": answer and answer.label,
        "probability": answer and answer.probability,
        "version": (answer and answer.version) or None,
        "source": answer and answer.source,
    }
    if details.explain:
        added["votes"] = answer and as_json(answer.votes)
    if details.distribution:
        added["distribution"] = answer and dict(answer.distribution)
    if failure := failure_of(outcome):
        added["error"] = f"{row.place}: {failure.reason}: {failure.message}"
    return added


class RowFormat(ABC):
    """How rows stand in an output file that is written front to back; ``header`` is what it begins with."""

    header: bytes

    @abstractmethod
    def encode(self, columns: Mapping[str, Any], added: Mapping[str, Any]) -> bytes:
        """Return the row of an input's columns and what labeling adds, ended by a line feed."""


class JsonLinesFormat(RowFormat):
    """One JSON object a line."""

    header = b""

    @override
    def encode(self, columns: Mapping[str, Any], added: Mapping[str, Any]) -> bytes:
        names = kept_columns(tuple(columns))
        return json_bytes({names[name]: value for name, value in columns.items()} | dict(added)) + b"\n"


class CsvFormat(RowFormat):
    """Comma-separated values with a header line."""

    def __init__(self, columns: Iterable[str], details: Details, *, keeps_bytes: bool = False) -> None:
        """``columns`` are those of all rows. ``keeps_bytes`` where these were CSV too: what is no UTF-8 stays so."""
        self._keeps_bytes = keeps_bytes
        self._names = kept_columns(tuple(columns))
        self._added_names = tuple(added_names(details))
        self.header = _csv_line([*self._names.values(), *self._added_names], False)

    @override
    def encode(self, columns: Mapping[str, Any], added: Mapping[str, Any]) -> bytes:
        """Return the row. Raises KeyError for a column that the header lacks."""
        if unknown := columns.keys() - self._names.keys():
            raise KeyError(min(unknown))
        cells = [cell_text(columns.get(name)) for name in self._names]
        return _csv_line(cells + [cell_text(added.get(name)) for name in self._added_names], self._keeps_bytes)


def json_bytes(value: object) -> bytes:
    """Return the value as JSON on one line; what only Parquet knows becomes text, and what is no number null."""
    try:
        text = _as_json(value)
    except ValueError:  # not a number, or infinite: JSON has neither
        text = _as_json(as_json(value))
    # Half of a surrogate pair: only JSON's escape can express it, and this writes the same.
    return text.encode("utf-8", "backslashreplace")


def whole_text(text: str) -> str:
    """Return the text with U+FFFD for each half of a surrogate pair: what is UTF-8 cannot hold one."""
    return text if text.isascii() else _HALF_PAIR.sub("\N{REPLACEMENT CHARACTER}", text)


def _foreign(value: object) -> object:
    """Turn what Parquet knows and JSON does not into text."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return duration_text(value // timedelta(microseconds=1), 10**6)
    return str(value)


# Made once: json.dumps makes one for each call, which takes as long as a short row.
_as_json = json.JSONEncoder(ensure_ascii=False, allow_nan=False, default=_foreign).encode


def _csv_line(cells: list[str], keeps_bytes: bool) -> bytes:
    buffer = io.StringIO()
    # The csv module leaves a lone carriage return unquoted, and then cannot read it back.
    every = any("\r" in cell for cell in cells)
    csv.writer(buffer, lineterminator="\n", quoting=csv.QUOTE_ALL if every else csv.QUOTE_MINIMAL).writerow(cells)
    if keeps_bytes:
        return buffer.getvalue().encode("utf-8", "surrogateescape")
    return whole_text(buffer.getvalue()).encode()


def cell_text(value: object) -> str:
    """Return a value as it stands in CSV: empty for none, and for what is no number."""
    match value:
        case None:
            return ""
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case float() if not math.isfinite(value):
            return ""
        case int() | float():
            return repr(value)
        case dict() | list() | tuple():
            return json_bytes(value).decode()
        case _:
            return str(_foreign(value))
