"""Back-pressure: what is in flight is bounded, and requests beyond the bound are refused at once, not queued."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from labelwright.core.errors import Overloaded

_RETRY_AFTER = 0.1
"""Seconds. A full server finishes what it has in about this time; callers add their own jitter."""


class Admission:
    """Counts the requests, records and streams in flight. Safe to use from several threads."""

    def __init__(self, max_requests: int, max_records: int, max_streams: int) -> None:
        self._max_requests = max_requests
        self._max_records = max_records
        self._max_streams = max_streams
        self._lock = threading.Lock()
        self.requests = 0
        self.records = 0
        self.streams = 0

    def enter(self, records: int) -> None:
        """Admit one request of ``records`` records; ``leave`` must follow. Raises Overloaded.

        A batch larger than the whole bound is admitted when nothing else is in flight: else it could never be served.
        """
        with self._lock:
            full = self.requests >= self._max_requests
            if full or (self.records and self.records + records > self._max_records):
                raise Overloaded(
                    "the service has as much in flight as it can take",
                    retry_after=_RETRY_AFTER,
                    advice="come back after the delay in RetryInfo, with fewer requests at once",
                )
            self.requests += 1
            self.records += records

    def leave(self, records: int) -> None:
        """Give back what ``enter`` took."""
        with self._lock:
            self.requests -= 1
            self.records -= records

    @contextmanager
    def stream(self) -> Iterator[None]:
        """Admit one stream for as long as the context lasts. Raises Overloaded."""
        with self._lock:
            if self.streams >= self._max_streams:
                raise Overloaded(
                    f"the service has {self._max_streams} streams open and takes no more",
                    retry_after=1.0,
                    advice="use LabelBatch, or fewer streams",
                )
            self.streams += 1
        try:
            yield
        finally:
            with self._lock:
                self.streams -= 1
