"""What programs cost: which ones may share a call, and how many records fit into one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

MAX_CHUNK = 256
"""Records in one call at most: beyond it the cost of a call is spread thin enough."""
MAX_CHUNK_CHARS = 1 << 20
_FIRST_CHUNK = 16
_CHUNK_SHARE = 0.25
"""A call is planned to take this share of one pair's limit, so that an ordinary one is far from it."""
_SLOW_SHARE = 0.25
_FAST_AGAIN_SHARE = 0.05
_LANE_SHARE = 0.5
_NEWEST = 0.3
"""Weight of the newest measurement in the running averages."""

_Item = TypeVar("_Item")


class Costs:
    """Running averages of CPU seconds per record. Guides planning only: a wrong one costs time, never a vote."""

    def __init__(self, limit_seconds: float) -> None:
        """``limit_seconds`` is the limit of one program on one record."""
        self._limit = limit_seconds
        self._lane = 0.0
        self._programs: dict[int, float] = {}
        self.apart: frozenset[int] = frozenset()
        """Programs that are run on their own, because they would use up the others' time or kill their instance."""

    def chunks(self, items: Iterable[_Item], chars: Callable[[_Item], int]) -> Iterator[list[_Item]]:
        """Yield the items in chunks that one call takes well within a pair's limit; ``chars`` measures an item.

        Items are read only as chunks are asked for, and each chunk is as large as the measurements so far allow:
        whoever evaluates a chunk before asking for the next gets small ones first and better ones soon.
        """
        chunk: list[_Item] = []
        size = room = 0
        for item in items:
            if not chunk:
                size, room = self._chunk_size(), MAX_CHUNK_CHARS
            chunk.append(item)
            room -= chars(item)
            if len(chunk) >= size or room <= 0:
                yield chunk
                chunk = []
        if chunk:
            yield chunk

    def lane_took(self, records: int, seconds: float) -> None:
        """Note a call of all programs that share one."""
        self._lane = _blend(self._lane, seconds / records)

    def program_took(self, program: int, records: int, seconds: float, *, at_fault: bool) -> None:
        """Note a run of one program alone."""
        cost = self._programs[program] = _blend(self._programs.get(program, 0.0), seconds / records)
        if at_fault or cost > self._limit * _SLOW_SHARE:
            self.apart |= {program}
        elif program in self.apart and cost < self._limit * _FAST_AGAIN_SHARE:
            self.apart -= {program}

    def relieve_lane(self) -> None:
        """Nobody was at fault, it was too much together: make calls smaller, then set the costliest programs apart."""
        fast = sorted((cost, program) for program, cost in self._programs.items() if program not in self.apart)
        total = sum(cost for cost, _ in fast)
        while fast and total > self._limit * _LANE_SHARE:
            cost, program = fast.pop()
            total -= cost
            self.apart |= {program}
        self._lane = max(self._lane, total)

    def _chunk_size(self) -> int:
        planned = self._limit * _CHUNK_SHARE
        return min(MAX_CHUNK, max(1, int(planned / self._lane))) if self._lane else _FIRST_CHUNK


def _blend(old: float, new: float) -> float:
    return old + _NEWEST * (new - old) if old else new
