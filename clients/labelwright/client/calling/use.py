"""Whether a connection may be used: until it is closed, and after a fork only where gRPC bears one.

A fork between two calls is harmless if the child opens a channel of its own. In the midst of a call, or with an asyncio
channel open, the child inherits locks and counters of threads that it does not have: calls hang there past every
deadline. So calls under way are counted, and in the child what such a fork has broken is refused and never touched.
"""

from __future__ import annotations

import ctypes
import os
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager

from labelwright.core.errors import InvalidRequest

_under_way: set[object] = set()
"""A mark for every call of this process. No lock guards it, which a fork could leave locked: each change is atomic."""
_uses: weakref.WeakSet[Use] = weakref.WeakSet()
_asyncio_is_lost = False
"""Whether this process was forked from one that had an asyncio channel open: then it cannot have one."""


class Use:
    """The use of one connection. Safe to share between threads."""

    def __init__(self, *, asyncio: bool = False) -> None:
        self._asyncio = asyncio
        self._owned: set[object] = set()
        self.is_closed = False
        self.is_inherited = False
        """Whether a fork has come since the channel was opened: this process needs one of its own."""
        self.is_lost = False
        """Whether a fork has made the connection unusable: nothing of gRPC's may be touched, not even to close it."""
        self.opening = threading.Lock()
        _uses.add(self)

    def check(self) -> None:
        """Raise InvalidRequest where the connection must not be used."""
        if self.is_lost or (self._asyncio and _asyncio_is_lost):
            raise InvalidRequest(
                "this process was forked from one in which a call was under way or an asyncio client open",
                advice="start processes by spawn or forkserver, or before the first call; gRPC does not survive this",
            )
        if self.is_closed:
            raise InvalidRequest("the client is closed", advice="open another one; close a client after its last call")

    def own(self, thing: object) -> None:
        """Take note of a channel, or of a stream under way."""
        self._owned.add(thing)

    def disown(self, thing: object) -> None:
        """Take note that it is closed."""
        self._owned.discard(thing)

    @contextmanager
    def call(self) -> Iterator[None]:
        """Count a call for as long as the context lasts. Raises InvalidRequest."""
        self.check()
        mark = object()
        _under_way.add(mark)
        try:
            yield
        finally:
            _under_way.discard(mark)

    def inherit(self, *, calls_are_broken: bool) -> bool:
        """Go on in a forked process; return whether asyncio's part of gRPC is broken there."""
        self.opening = threading.Lock()
        for thing in self._owned:
            # When it is collected it calls gRPC, at the latest when the interpreter ends; so it never is.
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))
        was_open = bool(self._owned)
        self._owned = set()
        self.is_inherited |= was_open
        self.is_lost |= was_open and (calls_are_broken or self._asyncio)
        return was_open and self._asyncio


def _after_fork() -> None:
    """In the child: let connections know."""
    global _asyncio_is_lost
    for use in list(_uses):
        _asyncio_is_lost |= use.inherit(calls_are_broken=bool(_under_way))
    _under_way.clear()


if hasattr(os, "register_at_fork"):  # where processes can fork
    os.register_at_fork(after_in_child=_after_fork)
