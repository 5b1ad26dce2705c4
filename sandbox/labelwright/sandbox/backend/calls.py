"""A call into an instance of the pool, and a second look at what it gave."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from labelwright.core.errors import DeadlineExceeded
from labelwright.sandbox.backend.answers import Votes
from labelwright.sandbox.backend.kept import KeptSnapshot
from labelwright.sandbox.backend.pool import InstancePool
from labelwright.sandbox.backend.snapshot import CallResult
from labelwright.sandbox.host.instance import FaultKind, InstanceFault

_LOOKED_AT_AGAIN = 1 / 1024
"""Share of the records that are evaluated again, alone."""
_chance = random.Random()  # noqa: S311 (which records are looked at again)


@dataclass(frozen=True, slots=True)
class Caller:
    """Calls loaded programs, with ``limit`` seconds of wall time and until ``deadline`` (``time.monotonic()``)."""

    pool: InstancePool
    kept: KeptSnapshot
    limit: float
    deadline: float | None

    def call(self, records: Sequence[str], patience: float = 1.0) -> CallResult:
        """Evaluate the records within ``patience`` times the limit.

        Raises InstanceFault, DeadlineExceeded where the caller's deadline ended the call (then no program is to blame),
        Overloaded.
        """
        instance = self.pool.take(self.kept.get(self.deadline), self.deadline)
        healthy = False
        try:
            result = instance.evaluate(records, self._remaining(self.limit * patience))
            healthy = instance.is_reusable
        except InstanceFault as fault:
            if fault.kind is FaultKind.TIME and self.deadline is not None and time.monotonic() >= self.deadline:
                raise _late() from None
            raise
        finally:
            self.pool.give_back(instance, healthy=healthy)
        return result

    def differing(self, records: Sequence[str], rows: Sequence[Votes]) -> frozenset[int]:
        """Return the places of programs that vote otherwise on a record that is looked at again, alone.

        That is any one now and then, every other time one with the rarest votes.
        """
        if _chance.random() >= len(records) * _LOOKED_AT_AGAIN:
            return frozenset()
        places = list(range(len(rows)))
        if _chance.random() < 0.5:
            rarest = min(Counter(rows).items(), key=lambda counted: counted[1])[0]
            places = [place for place in places if rows[place] == rarest]
        place = _chance.choice(places)
        try:
            (alone,) = self.call([records[place]]).rows
        except InstanceFault:
            return frozenset()
        return frozenset(number for number, vote in enumerate(alone) if vote != rows[place][number])

    def _remaining(self, limit: float) -> float:
        remaining = limit if self.deadline is None else min(limit, self.deadline - time.monotonic())
        if remaining <= 0:
            raise _late()
        return remaining


def _late() -> DeadlineExceeded:
    return DeadlineExceeded("the deadline passed before all records were evaluated", advice="allow more time")
