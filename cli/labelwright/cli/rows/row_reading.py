"""Rows of input files, read one by one: JSON Lines, CSV, Parquet. A faulty row is named by its line and passed on."""

from __future__ import annotations

import csv
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import IO, Any

from labelwright.cli.extras import require
from labelwright.cli.rows.parquet_values import values_of
from labelwright.cli.rows.recoding import as_utf8
from labelwright.core.errors import ConfigurationError
from labelwright.core.text.encoding import not_utf8
from labelwright.core.text.json_text import first_twice, parse_json
from typing_extensions import override

STANDARD = "-"
MAX_LINE_BYTES = 64 << 20
FIRST_ROWS = 100
"""Where all of these have one and the same fault, it is the file's, and the rest is not tried."""
_PARQUET_BATCH = 1024


@dataclass(frozen=True, slots=True)
class InputRow:
    """One row: its columns as the file has them, its place, and what is wrong with it as a row."""

    place: str
    columns: dict[str, Any] = field(default_factory=dict)
    problem: str = ""


def _check_names(place: str, names: Sequence[str]) -> None:
    """Raise ConfigurationError where two columns have one name: which of them is meant would be a guess."""
    twice = first_twice(names)
    if twice is None:
        return
    numbers = [str(number) for number, name in enumerate(names, start=1) if name == twice]
    which = f"has the column {twice!a} {len(numbers)} times" if twice else f"has {len(numbers)} columns without a name"
    raise ConfigurationError(
        f"{place} {which}: columns {', '.join(numbers)}", advice="give each column a name of its own"
    )


class RowSource(ABC):
    """An input that is read once, front to back, in constant memory.

    ``columns`` are None where the format does not know them before the first row, ``total`` where it is unknown.
    """

    columns: tuple[str, ...] | None
    total: int | None

    @property
    @abstractmethod
    def done(self) -> int:
        """How much has been read, in the units of ``total``."""

    @abstractmethod
    def rows(self) -> Iterator[InputRow]:
        """Yield the rows."""

    @abstractmethod
    def close(self) -> None:
        """Close the file."""


def row_format(path: str, option: str = "") -> str:
    """Return "jsonl", "csv" or "parquet" by the file's ending, or ``option``. Raises ConfigurationError."""
    formats = {".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", ".parquet": "parquet"}
    if option:
        return option
    if path == STANDARD:
        return "jsonl"
    kind = formats.get(Path(path).suffix.lower())
    if not kind:
        raise ConfigurationError(f"{path}: the format is unknown", advice=f"end the name in {', '.join(formats)}")
    return kind


def open_rows(path: str, format_option: str = "", encoding: str = "") -> RowSource:
    """Open an input file, "-" for standard input. Raises ConfigurationError.

    Text is in ``encoding``; where that is empty, in UTF-8, or in what a byte order mark says.
    """
    kind = row_format(path, format_option)
    if kind == "parquet":
        if path == STANDARD:
            raise ConfigurationError("Parquet cannot be read from standard input", advice="name a file")
        if encoding:
            raise ConfigurationError("Parquet has no encoding to choose", advice="leave --encoding out")
        return ParquetRows(path)
    with ExitStack() as opened:
        plain = _open_bytes(path)
        if path != STANDARD:
            opened.enter_context(plain)
        stream = as_utf8(plain, path, encoding)
        has_size = path != STANDARD and Path(path).is_file() and stream is plain
        total = Path(path).stat().st_size if has_size else None
        rows = JsonLinesRows(stream, total) if kind == "jsonl" else CsvRows(stream, total, path)
        opened.pop_all()
    return rows


def _open_bytes(path: str) -> IO[bytes]:
    if path == STANDARD:
        return sys.stdin.buffer
    try:
        return Path(path).open("rb")
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}", advice="name a file that can be read") from error


class _Lines:
    """Lines of bytes, with a count of lines and bytes. A line above the cap is cut, and marked as not whole."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.number = 0
        self.bytes = 0

    def read(self) -> tuple[bytes, bool] | None:
        line = self._stream.readline(MAX_LINE_BYTES)
        if not line:
            return None
        self.number += 1
        self.bytes += len(line)
        is_whole = len(line) < MAX_LINE_BYTES or line.endswith(b"\n")
        rest = line
        while not is_whole and rest and not rest.endswith(b"\n"):
            rest = self._stream.readline(MAX_LINE_BYTES)
            self.bytes += len(rest)
        return line, is_whole

    def close(self) -> None:
        if self._stream is not sys.stdin.buffer:
            self._stream.close()


class JsonLinesRows(RowSource):
    """One JSON object a line; empty lines are skipped."""

    def __init__(self, stream: IO[bytes], total: int | None) -> None:
        """``total`` is in bytes."""
        self._lines = _Lines(stream)
        self.columns = None
        self.total = total

    @property
    @override
    def done(self) -> int:
        return self._lines.bytes

    @override
    def rows(self) -> Iterator[InputRow]:
        while (item := self._lines.read()) is not None:
            line, is_whole = item
            place = f"line {self._lines.number}"
            if not is_whole:
                yield InputRow(place, problem=f"longer than {MAX_LINE_BYTES:,} bytes")
            elif line.strip():
                yield _json_row(place, line)

    @override
    def close(self) -> None:
        self._lines.close()


def _json_row(place: str, line: bytes) -> InputRow:
    text, problem = _decoded(line, is_first=place == "line 1"), ""
    if _is_broken(text):
        problem = not_utf8(line)
    try:
        columns = parse_json(text)
    except (ValueError, RecursionError) as error:
        return InputRow(place, problem=problem or f"not valid JSON: {error}")
    if not isinstance(columns, dict):
        return InputRow(place, problem=problem or "not a JSON object")
    return InputRow(place, columns, problem)


class CsvRows(RowSource):
    """Comma-separated values with a header line (RFC 4180).

    A header without a comma may have tabs or semicolons, as spreadsheet programs write them. Bytes that are no UTF-8
    stand in the columns as lone surrogates (``surrogateescape``), which makes the row a faulty one.
    """

    def __init__(self, stream: IO[bytes], total: int | None, path: str) -> None:
        csv.field_size_limit(MAX_LINE_BYTES)
        self._lines = _Lines(stream)
        self.total = total
        texts = self._texts()
        first = next(texts, "")
        delimiter = next((mark for mark in ",\t;" if mark in first), ",")
        self._reader = csv.reader(chain([first], texts), strict=True, delimiter=delimiter)
        try:
            header = next(self._reader, [])
        except csv.Error as error:
            raise ConfigurationError(f"{path}, line 1: the header: {error}", advice="correct the first line") from error
        if not header:
            raise ConfigurationError(f"{path}, line 1: the header is missing", advice="name the columns in it")
        for number, name in enumerate(header, start=1):
            if _is_broken(name):
                raise ConfigurationError(
                    f"{path}, line 1: the header's column {number} is {not_utf8(_bytes(name))}",
                    advice="save the file as UTF-8; label --input reads others with --encoding",
                )
        _check_names(f"{path}, line 1: the header", header)
        self.columns = tuple(header)

    @property
    @override
    def done(self) -> int:
        return self._lines.bytes

    @override
    def rows(self) -> Iterator[InputRow]:
        names = self.columns or ()
        while True:
            place = f"line {self._lines.number + 1}"
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield InputRow(place, problem=f"not valid CSV: {error}")
                continue
            if cells:
                yield _csv_row(place, names, cells)

    @override
    def close(self) -> None:
        self._lines.close()

    def _texts(self) -> Iterator[str]:
        while (item := self._lines.read()) is not None:
            yield _decoded(item[0], is_first=self._lines.number == 1)


def _csv_row(place: str, names: tuple[str, ...], cells: list[str]) -> InputRow:
    columns = dict(zip(names, cells, strict=False))
    if len(cells) != len(names):
        return InputRow(place, columns, f"has {len(cells)} columns, the header {len(names)}")
    broken = [name for name, cell in columns.items() if _is_broken(cell)]
    if broken:
        return InputRow(place, columns, f"the column {broken[0]!a} is {not_utf8(_bytes(columns[broken[0]]))}")
    return InputRow(place, columns)


def _decoded(line: bytes, *, is_first: bool) -> str:
    """Return the line's text. Bytes that are no UTF-8 become lone surrogates, and so can be written as they came."""
    return line.decode("utf-8-sig" if is_first else "utf-8", "surrogateescape")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _is_broken(text: str) -> bool:
    return not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text)


class ParquetRows(RowSource):
    """Rows of a Parquet file, a batch of a row group in memory at a time."""

    def __init__(self, path: str) -> None:
        parquet = require("pyarrow.parquet", "parquet", "reading Parquet")
        arrow = require("pyarrow", "parquet", "reading Parquet")
        try:
            self._file = parquet.ParquetFile(path)
        except (OSError, arrow.ArrowException) as error:
            raise ConfigurationError(f"{path}: not a Parquet file that can be read: {error}") from error
        self.schema = self._file.schema_arrow
        _check_fields(path, self.schema)
        self.columns = tuple(self.schema.names)
        self.total = self._file.metadata.num_rows
        self._done = 0

    @property
    @override
    def done(self) -> int:
        return self._done

    @override
    def rows(self) -> Iterator[InputRow]:
        names = self.columns or ()
        for batch in self.batches():
            for values in zip(*map(values_of, batch.columns), strict=True) if names else [()] * len(batch):
                self._done += 1
                yield InputRow(f"row {self._done}", dict(zip(names, values, strict=True)))

    def batches(self) -> Iterator[Any]:
        """Yield the rows as Arrow has them."""
        return self._file.iter_batches(batch_size=_PARQUET_BATCH)  # type: ignore[no-any-return]

    @override
    def close(self) -> None:
        self._file.close()


def _check_fields(place: str, fields: Any) -> None:
    """Check the names of a schema's columns, and of the members of structs at any depth."""
    members = [fields.field(index) for index in range(len(fields.names))]
    _check_names(place, [member.name for member in members])
    for member in members:
        for kind in _kinds(member.type):
            if hasattr(kind, "names"):
                _check_fields(f"{place}: the column {member.name!a}", kind)


def _kinds(kind: Any) -> Iterator[Any]:
    """Yield a column's type, or those of a list's items, of a map's keys and values."""
    parts = [getattr(kind, name) for name in ("value_type", "key_type", "item_type") if hasattr(kind, name)]
    yield from (inner for part in parts for inner in _kinds(part))
    if not parts:
        yield kind
