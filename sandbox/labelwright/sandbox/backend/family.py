"""Plain programs, which cannot reach each other (static_checks/plain), called together: in one instance, at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from labelwright.sandbox.backend.calls import Caller
from labelwright.sandbox.backend.costs import Costs
from labelwright.sandbox.backend.kept import KeptSnapshot
from labelwright.sandbox.backend.pool import InstancePool
from labelwright.sandbox.backend.program_run import ENOUGH_CPU, ProgramRun
from labelwright.sandbox.backend.snapshot import CallResult
from labelwright.sandbox.host.instance import FaultKind, InstanceFault

_TOO_MUCH = 3
"""Calls in a row that took too long together, though no program is slow: from then on none is called together."""
_AWAY_SECONDS = 60.0
"""How long a program that was not easy is called alone: each change of who is called together costs loading."""

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
        self._next_members, self._next = self._plain, shared
        self._away: dict[int, float] = {}
        """Until when programs are called alone, by their places."""
        self._choosing = threading.Lock()

    @property
    def size(self) -> int:
        """How many records the next call takes best."""
        return self._costs.size

    def columns(self, records: Sequence[str], deadline: float | None) -> dict[int, Column]:
        """Return the columns of the programs that were called together; the others, maybe all, must be called alone.

        Raises DeadlineExceeded, Overloaded.
        """
        members = self._easy()
        kept = self._of(members) if len(members) > 1 else None
        if kept is None or self._late >= _TOO_MUCH:
            return {}
        results: list[CallResult] = []
        done = 0
        try:
            caller = Caller(self._pool, kept, self._limit, deadline)
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
            # On a busy machine wall time alone says nothing of the programs.
            if fault.kind is FaultKind.TIME and fault.cpu_seconds >= self._limit * ENOUGH_CPU:
                self._late += 1
                self._costs.took(self.size, fault.cpu_seconds)
            return {}
        return {place: _column(results, number) for number, place in enumerate(members)}

    def close(self) -> None:
        """Free the instances. Calls under way finish first."""
        with self._choosing:
            self._kept.close()
            self._next.close()

    def _easy(self) -> tuple[int, ...]:
        hard = [place for place in self._plain if not self._runs[place].is_easy]
        if hard or self._away:
            now = time.monotonic()
            still = {place: until for place, until in self._away.items() if now < until}
            self._away = away = still | dict.fromkeys(hard, now + _AWAY_SECONDS)
            return tuple(place for place in self._plain if place not in away)
        return self._plain

    def _of(self, members: tuple[int, ...]) -> KeptSnapshot | None:
        """Return the members' snapshot; None while it is loaded because others were called together before."""
        with self._choosing:
            if members != self._members:
                if members != self._next_members:
                    if self._next is not self._kept:
                        self._next.close()
                    self._next_members, self._next = members, self._some(members)
                if not self._next.is_ready():
                    return None
                self._kept.close()
                self._members, self._kept = members, self._next
                self._late = 0
            return self._kept


def _column(results: Sequence[CallResult], number: int) -> Column:
    messages = (result.messages.get(number, "") for result in results)
    return [row[number] for result in results for row in result.rows], next(filter(None, messages), "")
