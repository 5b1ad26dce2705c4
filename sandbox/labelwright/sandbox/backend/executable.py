"""A version's programs, ready to run: they get packed records and give votes.

The programs run as Python inside WebAssembly, plain ones together and each other one apart, which nothing outside of
this package needs to know.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from labelwright.core.errors import Unavailable
from labelwright.sandbox.backend.answers import Votes
from labelwright.sandbox.backend.costs import MAX_CHUNK, chunks
from labelwright.sandbox.backend.family import Family
from labelwright.sandbox.backend.program_run import ProgramRun

_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a batch gave: ``votes[record]``, and for people the first error message of each failing program.

    Messages may quote records: they are for whoever owns the data, never for logs.
    """

    votes: list[Votes]
    messages: Mapping[str, str]


class Executable:
    """A version's programs, ready to run. Safe to call from several threads at once."""

    def __init__(self, runs: Sequence[ProgramRun], family: Family) -> None:
        self._runs = tuple(runs)
        self._family = family
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

        ``deadline`` is a ``time.monotonic()`` value; where it passes first, raises DeadlineExceeded and blames no
        program. A program at fault gets an error vote; nothing it does changes the votes of the others. Raises
        Overloaded where no memory becomes free, Unavailable after ``close``.
        """
        if self._closed:
            raise Unavailable("the version was closed", advice="load it again")
        votes: list[Votes] = []
        messages: dict[str, str] = {}
        for chunk in chunks(records, len, lambda: MAX_CHUNK):
            together = self._family.columns(chunk, deadline)
            columns = []
            for place, run in enumerate(self._runs):
                column, message = together.get(place) or run.votes(chunk, deadline)
                columns.append(column)
                if message:
                    messages.setdefault(run.name, message)
            votes += zip(*columns, strict=True) if columns else [() for _ in chunk]
        return Evaluation(votes, messages)

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
