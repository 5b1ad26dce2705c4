"""What a program costs, and how many records fit into one call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

MAX_CHUNK = 256
"""Records in one call at most: beyond it the cost of a call is spread thin enough."""
MAX_CHUNK_CHARS = 1 << 20
_FIRST_CHUNK = 16
_CHUNK_SHARE = 0.25
"""A call is planned to take this share of one pair's limit, so that an ordinary one is far from it."""
_NEWEST = 0.3
"""Weight of the newest measurement in the running average."""

_Item = TypeVar("_Item")


class Costs:
    """A running average of one program's CPU seconds a record. A wrong one costs time, never a vote."""

    def __init__(self, limit_seconds: float) -> None:
        """``limit_seconds`` is the limit of the program on one record."""
        self._planned = limit_seconds * _CHUNK_SHARE
        self.seconds = 0.0

    @property
    def size(self) -> int:
        """How many records one call takes well within the limit of one."""
        return min(MAX_CHUNK, max(1, int(self._planned / self.seconds))) if self.seconds else _FIRST_CHUNK

    def took(self, records: int, seconds: float) -> None:
        """Note a call."""
        newest = seconds / records
        self.seconds += _NEWEST * (newest - self.seconds) if self.seconds else newest


def chunks(items: Iterable[_Item], chars: Callable[[_Item], int], size: Callable[[], int]) -> Iterator[list[_Item]]:
    """Yield the items in chunks of ``size()`` at most, and of MAX_CHUNK_CHARS; ``chars`` measures an item.

    Items are read only as chunks are asked for: whoever evaluates a chunk before asking for the next gets small ones
    first and better ones soon.
    """
    chunk: list[_Item] = []
    most = room = 0
    for item in items:
        if not chunk:
            most, room = size(), MAX_CHUNK_CHARS
        chunk.append(item)
        room -= chars(item)
        if len(chunk) >= most or room <= 0:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
