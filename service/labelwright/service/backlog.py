"""Work that requests leave to another thread: bounded, and no request ever waits for it."""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from typing import Generic, TypeVar

_Item = TypeVar("_Item")


class Backlog(Generic[_Item]):
    """Items, each of some packed records, in order. Safe to use from several threads."""

    def __init__(self, max_records: int, max_bytes: int) -> None:
        """``max_bytes`` bounds the memory that the packed records take."""
        self._max_records = max_records
        self._max_bytes = max_bytes
        self._items: list[_Item] = []
        self._records = 0
        self._bytes = 0
        self._lock = threading.Lock()

    def put(self, item: _Item, packed: Sequence[str]) -> bool:
        """Add an item that holds these records; False where there is no room for all of them."""
        records, size = len(packed), sum(map(sys.getsizeof, packed))
        with self._lock:
            if self._records + records > self._max_records or self._bytes + size > self._max_bytes:
                return False
            self._items.append(item)
            self._records += records
            self._bytes += size
            return True

    def take(self) -> list[_Item]:
        """Remove and return all items, without waiting."""
        if not self._items:
            return []
        with self._lock:
            items, self._items = self._items, []
            self._records = self._bytes = 0
            return items
