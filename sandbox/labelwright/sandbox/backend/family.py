"""Plain programs, which cannot reach each other (static_checks/plain), called together: in one instance, at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from labelwright.sandbox.backend.calls import Caller
from labelwright.sandbox.backend.costs import Costs
from labelwright.sandbox.backend.kept import KeptSnapshot
from labelwright.sandbox.backend.pool import InstancePool
from labelwright.sandbox.backend.program_run import ProgramRun
from labelwright.sandbox.backend.snapshot import CallResult
from labelwright.sandbox.host.instance import FaultKind, InstanceFault

_TOO_MUCH = 3
"""Calls in a row that took too long together, though no program is slow: from then on none is called together."""

Column = tuple[list[int], str]
"""A program's votes, and what went wrong first."""


class Family:
    """Calls those of a version's plain programs that are easy. Safe to use from several threads."""

    def __init__(
        self,
        runs: Sequence[ProgramRun],
        plain: Sequence[int],
        shared: KeptSnapshot,
        some: Callable[[Sequence[int]], KeptSnapshot],
        limit: float,
        pool: InstancePool,
    ) -> None:
        """``plain`` are places in ``runs``, ``shared`` is the snapshot of these; ``some`` returns one of fewer."""
        self._runs = runs
        self._plain = tuple(plain)
        self._some = some
        self._limit = limit
        self._pool = pool
        self._costs = Costs(limit)
        self._late = 0
        self._members, self._kept = self._plain, shared
        self._choosing = threading.Lock()

    @property
    def size(self) -> int:
        """How many records the next call takes best."""
        return self._costs.size

    def columns(self, records: Sequence[str], deadline: float | None) -> dict[int, Column]:
        """Return the columns of the programs that were called together; the others, maybe all, must be called alone.

        Raises DeadlineExceeded, Overloaded.
        """
        members = tuple(place for place in self._plain if self._runs[place].is_easy)
        if len(members) < 2 or self._late >= _TOO_MUCH:
            return {}
        results: list[CallResult] = []
        done = 0
        try:
            caller = Caller(self._pool, self._of(members), self._limit, deadline)
            while done < len(records):
                piece = records[done : done + self.size]
                result = caller.call(piece)
                self._late = 0
                self._costs.took(len(piece), result.cpu_seconds)
                if differing := caller.differing(piece, result.rows):
                    for number in differing:
                        self._runs[members[number]].remembers()
                    return {}
                results.append(result)
                done += len(piece)
        except InstanceFault as fault:
            if fault.kind is FaultKind.TIME:
                self._late += 1
                self._costs.took(self.size, fault.cpu_seconds)
            return {}
        return {place: _column(results, number) for number, place in enumerate(members)}

    def close(self) -> None:
        """Free the instances. Calls under way finish first."""
        self._kept.close()

    def _of(self, members: tuple[int, ...]) -> KeptSnapshot:
        with self._choosing:
            if self._members != members:
                self._kept.close()
                self._members, self._kept = members, self._some(members)
                self._late = 0
            return self._kept


def _column(results: Sequence[CallResult], number: int) -> Column:
    messages = (result.messages.get(number, "") for result in results)
    return [row[number] for result in results for row in result.rows], next(filter(None, messages), "")
