"""A version's programs, ready to run: they get packed records and give votes.

The programs run as Python inside WebAssembly, plain ones together and each other one apart, which nothing outside of
this package needs to know.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TypeVar

from labelwright.core.errors import DeadlineExceeded, Unavailable
from labelwright.sandbox.backend.answers import Votes
from labelwright.sandbox.backend.costs import MAX_CHUNK, chunks
from labelwright.sandbox.backend.cut_short import CutShort, Verdicts
from labelwright.sandbox.backend.family import Column, Family
from labelwright.sandbox.backend.program_run import ProgramRun

_Item = TypeVar("_Item")
_JUDGMENT_SECONDS = 30.0
_JUDGMENT_LIMITS = 4
"""What it may take to judge again what a deadline cut short, beside so many times one program's limit."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a batch gave: ``votes[record]``, and for people the first error message of each failing program.

    Messages may quote records: they are for whoever owns the data, never for logs.
    """

    votes: list[Votes]
    messages: Mapping[str, str]


class Executable:
    """A version's programs, ready to run. Safe to call from several threads at once."""

    def __init__(
        self, runs: Sequence[ProgramRun], family: Family, limit: float, background: Executor | None, remembered: float
    ) -> None:
        """``limit`` is one program's on one record, in seconds; see ``CutShort`` for the last two."""
        self._runs = tuple(runs)
        self._family = family
        self._judgment_seconds = _JUDGMENT_SECONDS + _JUDGMENT_LIMITS * limit
        self._cut_short = CutShort(self._judged, background, remembered)
        self._closed = False

    @property
    def programs(self) -> tuple[str, ...]:
        """The programs' names, in voting order."""
        return tuple(run.name for run in self._runs)

    @property
    def benched(self) -> Mapping[str, str]:
        """Programs that failed so often that they are not run any more, with the reason."""
        return {run.name: run.bench.reason for run in self._runs if run.bench.reason}

    def chunks(self, items: Iterable[_Item]) -> Iterator[list[_Item]]:
        """Yield the items as often as asked for, as many at a time as one call of ``evaluate`` takes best.

        For whoever reads records from a source that does not fit into memory. How many that are is learned from the
        calls so far, so evaluate what a chunk holds before asking for the next.
        """
        return chunks(items, _no_text, self._size)

    def evaluate(self, records: Iterable[str], *, deadline: float | None = None) -> Evaluation:
        """Evaluate every program on every packed record; the votes are kept in memory.

        ``deadline`` is a ``time.monotonic()`` value; where it passes first, raises DeadlineExceeded, and finds out in
        the background whether a program is to blame. A program at fault gets an error vote; nothing it does changes the
        votes of the others. Raises Overloaded where no memory or processor becomes free, Unavailable after ``close``.
        """
        if self._closed:
            raise Unavailable("the version was closed", advice="load it again")
        votes: list[Votes] = []
        messages: dict[str, str] = {}
        for chunk in chunks(records, len, lambda: MAX_CHUNK):
            known = self._cut_short.known(chunk)
            others = [record for place, record in enumerate(chunk) if place not in known] if known else chunk
            try:
                rows = self._rows(self._columns(others, deadline), len(others), messages)
            except DeadlineExceeded:
                self._cut_short.judge(others)
                raise
            if known:
                left = iter(rows)
                rows = [
                    self._row(record, known[place], deadline, messages) if place in known else next(left)
                    for place, record in enumerate(chunk)
                ]
            votes += rows
        return Evaluation(votes, messages)

    def _columns(self, records: Sequence[str], deadline: float | None) -> list[Column]:
        together = self._family.columns(records, deadline)
        return [together.get(place) or run.votes(records, deadline) for place, run in enumerate(self._runs)]

    def _rows(self, columns: Sequence[Column], records: int, messages: dict[str, str]) -> list[Votes]:
        for run, (_, message) in zip(self._runs, columns, strict=True):
            if message:
                messages.setdefault(run.name, message)
        return list(zip(*(votes for votes, _ in columns), strict=True)) if columns else [()] * records

    def _row(self, record: str, verdicts: Verdicts, deadline: float | None, messages: dict[str, str]) -> Votes:
        """Return the votes on a record, of which is known that some programs fail on it."""
        columns = [
            ([verdicts[place][0]], verdicts[place][1]) if place in verdicts else run.votes([record], deadline)
            for place, run in enumerate(self._runs)
        ]
        return self._rows(columns, 1, messages)[0]

    def _judged(self, records: Sequence[str]) -> list[Column]:
        return self._columns(records, time.monotonic() + self._judgment_seconds)

    def _size(self) -> int:
        return max((self._family.size, *(run.size for run in self._runs)))

    def close(self) -> None:
        """Free the instances. Calls under way finish first."""
        self._closed = True
        self._family.close()
        for run in self._runs:
            run.close()


def _no_text(_: object) -> int:
    return 0
