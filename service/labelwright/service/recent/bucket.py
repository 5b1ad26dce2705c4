"""What one process knows of a bucket of the sample of recent records: mostly enough to do without Redis.

Of n records for a bucket of k, only about k·(1 + ln(n/k)) are among the lowest k when they arrive: most records cost a
random number and a comparison.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterator

from labelwright.core.recent import MAX_BUCKET_BYTES, MAX_MEMBER_BYTES, SCORE_BITS, RecentSample, member_of

CHUNK_RECORDS = 256
CHUNK_BYTES = 256 << 10
"""The most that is written at once, except for a single larger record: a slow Redis can take this much in time."""
_KNOWN_SECONDS = 60.0
"""How long what Redis said is relied on: keys may be evicted or flushed there without notice."""
_FEW = 100
"""Below this many records their mean size says too little."""

ScoredMembers = dict[str, int]
"""Scores by member, as ZADD takes them."""


class RecentBucket:
    """Belongs to one thread. ``now`` is a Unix time in seconds."""

    def __init__(
        self, sample: RecentSample, number: int, now: float, draw: Callable[[int], int] = random.getrandbits
    ) -> None:
        """``draw`` returns as many random bits as asked for, different ones in each process."""
        self.sample = sample
        self.number = number
        self._pending: dict[int, str] = {}
        self._written_records = 0
        self._written_bytes = 0
        self._bound = 1 << SCORE_BITS
        self._known_until = now + _KNOWN_SECONDS
        self._draw = draw

    @property
    def room(self) -> int:
        """How many records the bucket may hold: as the task says, or fewer where records are large."""
        if not self._written_bytes:
            return self.sample.records
        fit = MAX_BUCKET_BYTES * max(self._written_records, _FEW) // self._written_bytes
        return max(min(self.sample.records, fit), 1)

    def add(self, packed: str) -> bool:
        """Consider one occurrence of a record for the bucket; False where the record is too large."""
        if len(packed) > MAX_MEMBER_BYTES or (not packed.isascii() and len(packed.encode()) > MAX_MEMBER_BYTES):
            return False
        place = self._draw(SCORE_BITS)
        if place < self._bound:
            self._pending[place] = packed
        return True

    def chunks(self, now: float) -> Iterator[ScoredMembers]:
        """Yield the records to be written, lowest scores first; nothing is pending afterwards.

        Call ``wrote`` after each chunk: it may make the rest unnecessary.
        """
        if now >= self._known_until:
            self._forget(now)
        places = heapq.nsmallest(self.room, self._pending)
        pending, self._pending = self._pending, {}
        chunk: ScoredMembers = {}
        size = 0
        for place in places:
            if place >= self._bound:
                break
            member = member_of(place, pending[place])
            if chunk and (len(chunk) == CHUNK_RECORDS or size + len(member) > CHUNK_BYTES):
                yield chunk
                chunk, size = {}, 0
            chunk[member] = place
            size += len(member)
        if chunk:
            yield chunk

    def wrote(self, chunk: ScoredMembers, highest: int | None) -> None:
        """Note that Redis has the chunk. ``highest`` is the score at the last place, None where that place is free."""
        self._written_records += len(chunk)
        self._written_bytes += sum(len(member.encode()) for member in chunk)
        if highest is not None:
            self._bound = highest

    def _forget(self, now: float) -> None:
        self._bound = 1 << SCORE_BITS
        self._known_until = now + _KNOWN_SECONDS
