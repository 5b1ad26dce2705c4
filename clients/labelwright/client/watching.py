"""How far a watch has come: what to ask for after a break, and how long to wait first. Shared by both clients."""

from __future__ import annotations

from collections.abc import Sequence

from labelwright.client.calling.retry import RetryPolicy
from labelwright.client.messages.arguments import items
from labelwright.client.messages.registry import watch_request
from labelwright.core.errors import LabelwrightError, Unavailable
from labelwright.v1 import registry_service_pb2 as pb


class WatchPosition:
    """The last revision that was seen and its incarnation, and how often in a row the registry could not be reached."""

    def __init__(self, tasks: Sequence[str], revision: int, incarnation: str, retry: RetryPolicy) -> None:
        self._tasks = tuple(items(tasks, "tasks", "one name"))
        self._revision = revision
        self._incarnation = incarnation
        self._retry = retry
        self._failures = 0

    def request(self) -> pb.WatchRequest:
        """Return the request that goes on from here. Raises InvalidRequest."""
        return watch_request(self._tasks, self._revision, self._incarnation)

    def advance(self, message: pb.WatchResponse) -> bool:
        """Take note of a message, and return whether it brings news."""
        self._revision = message.revision
        self._incarnation = message.incarnation
        self._failures = 0
        return message.full or bool(message.aliases) or bool(message.removed)

    def pause_after(self, error: LabelwrightError) -> float:
        """Return the seconds to wait before asking again. Raises ``error`` if asking again would not help."""
        if not isinstance(error, Unavailable):
            raise error
        return self.pause_after_end()

    def pause_after_end(self) -> float:
        """Return the seconds to wait after the registry ended the stream, as it does when it stops."""
        self._failures += 1
        return self._retry.pause(min(self._failures, 16))
