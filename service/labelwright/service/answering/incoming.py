"""The requests of one stream, read ahead by a thread, so that what waits is answered together.

One call of the sandbox over twenty records costs little more than one over a single record.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Iterator
from typing import Generic, Self, TypeVar

from labelwright.serving.background import start_thread

_GROUP = 64
"""Requests read ahead at most, and answered together at most. Beyond it the transport holds the caller back."""
_LOOK_SECONDS = 0.2
"""How often a waiting side looks whether the other is gone."""

_Request = TypeVar("_Request")


class Incoming(Generic[_Request]):
    """Reads until the requests end or the context is left."""

    def __init__(self, requests: Iterator[_Request]) -> None:
        self._requests = requests
        self._queue: queue.Queue[_Request | Exception | None] = queue.Queue(_GROUP)
        self._closed = False
        start_thread("stream", self._read)

    def groups(self, ending: threading.Event) -> Iterator[list[_Request]]:
        """Yield what has come, in order, until the requests end, or nothing waits and ``ending`` is set.

        Raises what reading raised, after everything before it was yielded.
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
        """Let the reading thread end."""
        self._closed = True

    def _collect(self, item: _Request | Exception | None, group: list[_Request]) -> _Request | Exception | None:
        """Add ``item`` and what waits behind it to the group; return the last, which may be an end."""
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
