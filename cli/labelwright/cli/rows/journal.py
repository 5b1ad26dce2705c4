"""The journal of a labeling run: each row as soon as it is labeled, until the output is made of all of them.

One JSON object a line: ``row`` has the input's columns, ``added`` what labeling adds. A line that begins with
``revised`` has a later answer to the row of that number (from 0), and what such answers came to so far. Whatever the
output's format is, a run that was ended in the middle goes on after the journal's last whole line.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from labelwright.cli.rows.output_row import ADDED, json_bytes
from labelwright.cli.rows.row_reading import InputRow
from labelwright.core.errors import ConfigurationError

JOURNAL_SUFFIX = ".partial.jsonl"
_ROW, _ADDED, _END = b'{"row": ', b', "added": ', b"}\n"
_FIRST_ADDED = f'{{"{ADDED[0]}": '.encode()
_REVISED = b'{"revised": '


def journal_path(output: Path) -> Path:
    """Return where the journal of ``output`` stands."""
    return output.with_name(output.name + JOURNAL_SUFFIX)


class Journal:
    """The rows that are labeled so far. While it is open, no other run can write to the same output."""

    def __init__(self, output: Path) -> None:
        """Open the journal of ``output``. Raises ConfigurationError where it cannot be written, or is in use."""
        self._path = journal_path(output)
        self._file = _open_alone(self._path)
        self._input = hashlib.sha256()
        self._names: dict[str, None] = {}
        self._revised: dict[int, bytes] = {}
        self.so_far: Mapping[str, Any] | None = None
        """What the later answers came to, by the last of their lines; None without one."""

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file; one that holds nothing is removed."""
        self._file.flush()
        if self.is_empty:
            self._path.unlink(missing_ok=True)
        self._file.close()

    @property
    def is_empty(self) -> bool:
        """Whether no row was written down."""
        return os.fstat(self._file.fileno()).st_size == 0

    @property
    def columns(self) -> tuple[str, ...]:
        """The input's columns so far, by first appearance."""
        return tuple(self._names)

    @property
    def input_digest(self) -> str:
        """A digest of all input rows so far: another input of as many rows has another one."""
        return f"sha256:{self._input.hexdigest()}"

    def clear(self) -> None:
        """Forget all rows."""
        self._file.truncate(0)
        self._revised.clear()
        self.so_far = None

    def resume(self, rows: Iterator[InputRow]) -> Iterator[Mapping[str, Any]]:
        """Take from ``rows`` those that are written down, and yield what labeling added; then drop a torn last line.

        Later answers are yielded by ``revised`` afterwards. Raises ConfigurationError where the journal is not that of
        these rows.
        """
        self._file.seek(0)
        end = number = 0
        for line in self._file:
            if not line.endswith(_END):
                break
            if line.startswith(_REVISED):
                self._take(json.loads(line))
                end += len(line)
                continue
            number += 1
            row = next(rows, None)
            if row is None or not line.startswith(self._note(row) + _ADDED):
                raise ConfigurationError(
                    f"{self._path}: row {number} is not the input's",
                    advice="it belongs to another input; name another output, or start anew with --overwrite",
                )
            end += len(line)
            added: Mapping[str, Any] = json.loads(line)["added"]
            yield added
        self._file.truncate(end)

    def append(self, row: InputRow, added: Mapping[str, Any]) -> None:
        """Write a row down."""
        self._file.write(self._note(row) + _ADDED + json_bytes(added) + _END)

    def revise(self, number: int | None, added: Mapping[str, Any] | None, so_far: Mapping[str, Any]) -> None:
        """Write down a later answer to the row of this number, or only what such answers came to ``so_far``."""
        line = {"revised": number, "added": added, "so_far": so_far}
        self._take(line)
        self._file.write(json_bytes(line) + b"\n")
        self._file.flush()

    def revised(self) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """Yield what labeling added at first and what counts since, for each row that has a later answer."""
        for number, (_, added) in enumerate(self.places() if self._revised else ()):
            if self.is_revised(number):
                yield added, json.loads(self._revised[number])

    def is_revised(self, number: int) -> bool:
        """Whether the row of this number has a later answer."""
        return number in self._revised

    def places(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield where each row stands, in bytes, and what labeling added at first."""
        place = 0
        for line in self._lines():
            if not line.startswith(_REVISED):
                yield place, json.loads(line[_middle(line) + len(_ADDED) : -len(_END)])
            place += len(line)

    def at(self, place: int) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the columns of the row that stands there, and what labeling added at first."""
        with self._path.open("rb") as lines:
            lines.seek(place)
            entry = json.loads(lines.readline())
        return entry["row"], entry["added"]

    def flush(self) -> None:
        """Hand the rows to the operating system: from now on they outlive this process."""
        self._file.flush()

    def lines(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield each row's columns and what labeling added, a later answer where there is one, as JSON objects."""
        rows = (line for line in self._lines() if not line.startswith(_REVISED))
        for number, line in enumerate(rows):
            middle = _middle(line)
            yield line[len(_ROW) : middle], self._revised.get(number, line[middle + len(_ADDED) : -len(_END)])

    def entries(self) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """Yield each row's columns and what labeling added."""
        return ((json.loads(row), json.loads(added)) for row, added in self.lines())

    def _lines(self) -> Iterator[bytes]:
        self._file.flush()
        with self._path.open("rb") as lines:
            yield from lines

    def _take(self, line: Mapping[str, Any]) -> None:
        self.so_far = line["so_far"]
        if line["revised"] is not None:
            self._revised[line["revised"]] = json_bytes(line["added"])

    def _note(self, row: InputRow) -> bytes:
        """Take note of an input row, and return how its line begins."""
        line = _ROW + json_bytes(row.columns)
        self._input.update(line)
        self._names.update(dict.fromkeys(row.columns))
        return line


def _middle(line: bytes) -> int:
    """Return where a row's columns end. The last such place is ours: no text holds a bare quote, and nothing that
    labeling adds holds a label inside.
    """
    return line.rindex(_ADDED + _FIRST_ADDED)


def _open_alone(path: Path) -> IO[bytes]:
    while True:
        try:
            file: IO[bytes] = path.open("a+b")
        except OSError as error:
            raise ConfigurationError(
                f"{path}: {error.strerror}", advice="name an output in a folder of yours"
            ) from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.close()
            raise ConfigurationError(f"{path}: another run is writing to it", advice="wait for it to end") from error
        # A run that ended between these two lines may have removed the file: then the lock holds nobody off.
        if path.exists() and os.path.samestat(path.stat(), os.fstat(file.fileno())):
            return file
        file.close()
