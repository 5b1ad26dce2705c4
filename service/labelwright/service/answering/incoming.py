"""The requests of one stream, read ahead by a thread, so that requests that wait are answered together.

One call of the sandbox for twenty records costs little more than one for a single record.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Iterator
from typing import Generic, Self, TypeVar

from labelwright.serving.background import start_thread

_GROUP = 64
"""At most so many requests are read ahead, and answered together. Beyond it the transport slows the caller down."""
_LOOK_SECONDS = 0.2
"""How often a waiting side checks whether the other side has ended."""

_Request = TypeVar("_Request")


class Incoming(Generic[_Request]):
    """Reads until the requests end or the context is left."""

    def __init__(self, requests: Iterator[_Request]) -> None:
        self._requests = requests
        self._queue: queue.Queue[_Request | Exception | None] = queue.Queue(_GROUP)
        self._closed = False
        start_thread("stream", self._read)

    def groups(self, ending: threading.Event) -> Iterator[list[_Request]]:
        """Yield the requests that have arrived, in order, until they end, or none waits and ``ending`` is set.

        Raises what reading raised, once everything before it has been yielded.
        """
        while True:
            try:
                first = self._queue.get(timeout=_LOOK_SECONDS)
            except queue.Empty:
                if ending.is_set():
                    return
                continue
            group: list[_Request] = []
            last = self._collect(first, group)
            if group:
                yield group
            if isinstance(last, Exception):
                raise last
            if last is None:
                return

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Make the reading thread end."""
        self._closed = True

    def _collect(self, item: _Request | Exception | None, group: list[_Request]) -> _Request | Exception | None:
        """Add ``item`` and the requests behind it to the group; return the last item, which may be the end."""
        with contextlib.suppress(queue.Empty):
            while item is not None and not isinstance(item, Exception):
                group.append(item)
                if len(group) == _GROUP:
                    break
                item = self._queue.get_nowait()
        return item

    def _read(self) -> None:
        try:
            for request in self._requests:
                if not self._put(request):
                    return
        except Exception as error:
            self._put(error)
        else:
            self._put(None)

    def _put(self, item: _Request | Exception | None) -> bool:
        while not self._closed:
            with contextlib.suppress(queue.Full):
                self._queue.put(item, timeout=_LOOK_SECONDS)
                return True
        return False
