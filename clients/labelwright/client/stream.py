"""The order of a label stream: answers, and failures of records that could not even be sent, in their places."""

from __future__ import annotations

from collections.abc import Iterator

from labelwright.client.messages.labels import (
    Details,
    RecordInput,
    Selector,
    failure_from_error,
    label_request,
    read_stream,
    stream_request,
)
from labelwright.client.messages.results import Failure, Outcome
from labelwright.core.errors import InvalidRecord
from labelwright.v1 import label_service_pb2 as pb


class StreamOrder:
    """Numbers requests, and puts answers and local failures in the order of the records."""

    def __init__(self, task: str, selector: Selector, details: Details) -> None:
        self._task, self._selector, self._details = task, selector, details
        self._sent = 0
        self._next = 0
        self._failures: dict[int, Failure] = {}

    def outgoing(self, record: RecordInput) -> pb.LabelStreamRequest | None:
        """Return the request for the next record, None if it cannot be sent."""
        position = self._sent
        try:
            request = label_request(self._task, record, self._selector, self._details)
        except InvalidRecord as error:
            self._failures[position] = failure_from_error(error)
            return None
        finally:
            self._sent += 1
        return stream_request(position, request)

    def incoming(self, response: pb.LabelStreamResponse) -> Iterator[Outcome]:
        """Yield the outcomes that are due once ``response`` is here."""
        yield from self.unsent()
        self._next += 1
        yield read_stream(response)

    def unsent(self) -> Iterator[Outcome]:
        """Yield the failures that are due next."""
        while (failure := self._failures.pop(self._next, None)) is not None:
            self._next += 1
            yield failure
