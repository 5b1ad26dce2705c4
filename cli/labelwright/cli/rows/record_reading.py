"""Unlabeled records of a file, all in memory: what synthesis and pilots learn from."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field

from labelwright.cli.rows.row_reading import FIRST_ROWS, open_rows
from labelwright.cli.screen import Screen, shown
from labelwright.core.errors import ConfigurationError, InvalidRecord
from labelwright.core.record import Record, pack
from labelwright.core.row import record_from_row, shown_names
from labelwright.core.task import Task
from labelwright.features import Features

MAX_RECORDS = 20_000
_SHOWN_PROBLEMS = 5


@dataclass(slots=True)
class ReadRecords:
    """The records that fit the task; how many rows do not, and what is wrong with the first few."""

    records: list[Record] = field(default_factory=list)
    faulty: int = 0
    problems: list[str] = field(default_factory=list)
    more: bool = False
    """Whether the file holds more than were read."""
    _kinds: set[str] = field(default_factory=set)

    @property
    def _is_hopeless(self) -> bool:
        """Whether the fault is that of the file, and not of its rows."""
        return not self.records and self.faulty >= FIRST_ROWS and len(self._kinds) == 1

    def _refuse(self, place: str, problem: str) -> None:
        self.faulty += 1
        if self.faulty <= FIRST_ROWS:
            self._kinds.add(problem)
        if len(self.problems) < _SHOWN_PROBLEMS:
            self.problems.append(f"{place}: {problem}")


def read_records(task: Task, path: str, features: Features, limit: int = MAX_RECORDS) -> ReadRecords:
    """Return the first ``limit`` records of a JSON Lines, CSV or Parquet file, with their features.

    Raises ConfigurationError for none, and at once where the first hundred rows have one and the same fault.
    """
    result = ReadRecords()
    columns: list[str] = []
    with closing(open_rows(path)) as source:
        for row in source.rows():
            columns = columns or [*row.columns]
            if result._is_hopeless:
                break
            if len(result.records) == limit:
                result.more = True
                break
            if row.problem:
                result._refuse(row.place, row.problem)
                continue
            try:
                (filled,) = features.fill([row.columns])
                record = record_from_row(task, filled)
                pack(record, task.limits.record_bytes)
            except InvalidRecord as error:
                result._refuse(row.place, error.message)
            else:
                result.records.append(record)
    if not result.records:
        raise ConfigurationError(
            f"{path} holds no record that fits the task{f' ({result.problems[0]})' if result.problems else ''}",
            advice=f"the task's fields: {', '.join(task.fields)}; the file has: {shown_names(columns)}",
        )
    return result


def show_left_out(screen: Screen, source: ReadRecords) -> None:
    """Say which rows are left out, and whether there are more than are used."""
    for problem in source.problems:
        screen.note(f"left out: {shown(problem)}", "yellow")
    if source.faulty > len(source.problems):
        screen.note(f"left out: {source.faulty - len(source.problems):,} more rows", "yellow")
    if source.more:
        screen.note(f"the first {len(source.records):,} records are used")
