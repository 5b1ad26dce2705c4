"""The first cache: answers in this process's memory; the least recently used is dropped first."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Protocol

from labelwright.service.answer import LabelAnswer
from typing_extensions import override

ENTRY_BYTES = 200
"""About what an entry takes besides its votes: the key (65) and its place in the ordered dictionary (130)."""
VOTE_BYTES = 8


class MemoryCache(Protocol):
    """Answers by key. A key names a version and a record, so an entry is never out of date."""

    def get_many(self, keys: Sequence[bytes]) -> list[LabelAnswer | None]:
        """Return what is known, in the order of the keys."""
        ...

    def put_many(self, entries: Iterable[tuple[bytes, LabelAnswer]]) -> None:
        """Keep the entries."""
        ...

    def size(self) -> tuple[int, int]:
        """Return the number of entries and about how many bytes they take."""
        ...


class NullMemoryCache(MemoryCache):
    """Keeps nothing."""

    @override
    def get_many(self, keys: Sequence[bytes]) -> list[LabelAnswer | None]:
        return [None] * len(keys)

    @override
    def put_many(self, entries: Iterable[tuple[bytes, LabelAnswer]]) -> None:
        pass

    @override
    def size(self) -> tuple[int, int]:
        return 0, 0


class LruMemoryCache(MemoryCache):
    """Bounded by entries and by bytes. Safe to use from several threads; one lock a batch."""

    def __init__(self, max_entries: int, max_bytes: int) -> None:
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._entries: OrderedDict[bytes, LabelAnswer] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    @override
    def get_many(self, keys: Sequence[bytes]) -> list[LabelAnswer | None]:
        entries = self._entries
        answers = []
        with self._lock:
            for key in keys:
                answer = entries.get(key)
                if answer is not None:
                    entries.move_to_end(key)
                answers.append(answer)
        return answers

    @override
    def put_many(self, entries: Iterable[tuple[bytes, LabelAnswer]]) -> None:
        with self._lock:
            for key, answer in entries:
                before = self._entries.pop(key, None)
                self._bytes += _cost(answer) - (_cost(before) if before else 0)
                self._entries[key] = answer
            while len(self._entries) > self._max_entries or self._bytes > self._max_bytes:
                self._bytes -= _cost(self._entries.popitem(last=False)[1])

    @override
    def size(self) -> tuple[int, int]:
        with self._lock:
            return len(self._entries), self._bytes


def _cost(answer: LabelAnswer) -> int:
    # An upper bound: equal answers are one object, and this counts as if all were different.
    return ENTRY_BYTES + VOTE_BYTES * len(answer.votes)


def make_memory_cache(max_entries: int, max_bytes: int) -> MemoryCache:
    """Return a cache with these bounds; a bound of 0 means no cache."""
    return LruMemoryCache(max_entries, max_bytes) if max_entries and max_bytes else NullMemoryCache()
