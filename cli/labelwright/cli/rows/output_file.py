"""An output file that survives a crash: rows are appended in order, and a rerun goes on after the last whole one."""

from __future__ import annotations

import fcntl
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from labelwright.cli.rows.output_row import RowFormat
from labelwright.cli.rows.row_reading import InputRow
from labelwright.core.errors import ConfigurationError


class OutputFile:
    """Appends rows to a file. While it is open, no other run can write to the same file."""

    def __init__(self, path: Path, row_format: RowFormat, *, keep: bool) -> None:
        """``keep`` goes on with what is there. Raises ConfigurationError where the file cannot be written."""
        self._path = path
        self._format = row_format
        try:
            self._file: IO[bytes] = path.open("r+b" if keep and path.exists() else "w+b")
        except OSError as error:
            raise ConfigurationError(f"{path}: {error.strerror}", advice="name a file that can be written") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ConfigurationError(f"{path}: another run is writing to it", advice="wait for it to end") from error

    def resume(self, rows: Iterator[InputRow]) -> Iterator[Mapping[str, Any]]:
        """Take from ``rows`` those that the file holds already, and yield them; then drop what follows the last one.

        Raises ConfigurationError where the file is not an output of these rows.
        """
        header = self._format.header
        if header and not self._header_is_there(header):
            self._file.seek(0)
            self._file.truncate()
            self._file.write(header)
        position = self._file.tell()
        for number, line in enumerate(self._whole_rows(quoted=bool(header)), start=1):
            row = next(rows, None)
            if row is None or not self._same(line, row):
                raise ConfigurationError(
                    f"{self._path}: row {number} is not the input's",
                    advice="it belongs to another input; name another output, or start anew with --overwrite",
                )
            position += len(line)
            yield self._format.added_part(line)
        self._file.seek(position)
        self._file.truncate()

    def append(self, row: InputRow, added: Mapping[str, Any]) -> None:
        """Append one row. Raises ConfigurationError for a column that a CSV file's header lacks."""
        _write(self._file, self._format, row, added)

    def flush(self) -> None:
        """Hand what was appended to the operating system."""
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _header_is_there(self, header: bytes) -> bool:
        found = self._file.read(len(header))
        if found and not header.startswith(found):
            raise ConfigurationError(
                f"{self._path}: the header line is not that of this run",
                advice="name another output, or start anew with --overwrite",
            )
        return found == header

    def _whole_rows(self, *, quoted: bool) -> Iterator[bytes]:
        row = b""
        for line in self._file:
            row += line
            if not line.endswith(b"\n"):
                return
            if not quoted or row.count(b'"') % 2 == 0:
                yield row
                row = b""

    def _same(self, line: bytes, row: InputRow) -> bool:
        try:
            return self._format.matches(line, row)
        except (ValueError, KeyError):
            return False


class StandardOutput:
    """Writes rows to standard output; there is nothing to go on with."""

    def __init__(self, row_format: RowFormat) -> None:
        self._format = row_format
        self._file = sys.stdout.buffer

    def resume(self, rows: Iterator[InputRow]) -> Iterator[Mapping[str, Any]]:  # noqa: ARG002
        """Write the header; nothing is there yet."""
        self._file.write(self._format.header)
        yield from ()

    def append(self, row: InputRow, added: Mapping[str, Any]) -> None:
        """See OutputFile."""
        _write(self._file, self._format, row, added)

    def flush(self) -> None:
        """See OutputFile."""
        self._file.flush()

    def close(self) -> None:
        """Leave standard output open."""


def _write(file: IO[bytes], row_format: RowFormat, row: InputRow, added: Mapping[str, Any]) -> None:
    try:
        file.write(row_format.encode(row, added))
    except KeyError as error:
        raise ConfigurationError(
            f"{row.place} has the column {error}, which the rows before lack",
            advice="write JSON Lines or Parquet instead of CSV",
        ) from error
