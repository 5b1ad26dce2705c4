"""The client of the label service."""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing

import grpc
from labelwright.client.calling.channel import LABEL_ADDRESS, LABEL_TIMEOUT, Connection
from labelwright.client.calling.retry import RetryPolicy, stream_timeout
from labelwright.client.messages.arguments import items
from labelwright.client.messages.labels import (
    Chunk,
    Details,
    RecordInput,
    Selector,
    halves,
    join_batch,
    label_request,
    read_batch,
    read_label,
    split_batch,
)
from labelwright.client.messages.results import Labeling, Outcome
from labelwright.client.stream import StreamOrder
from labelwright.core.errors import LabelwrightError
from labelwright.core.wire.security import Security
from labelwright.v1 import label_service_pb2 as pb
from labelwright.v1.label_service_pb2_grpc import LabelServiceStub


class Client(Connection[LabelServiceStub]):
    """Labels records over one connection. Safe to share between threads; make one and keep it.

    Every method raises LabelwrightError subclasses: TaskNotFound, VersionNotFound, AliasNotFound, InvalidRecord,
    Unavailable, DeadlineExceeded, Overloaded. A server that is away or too busy is asked again, with growing
    pauses, within the call's deadline.
    """

    def __init__(
        self,
        address: str = LABEL_ADDRESS,
        *,
        timeout: float = LABEL_TIMEOUT,
        retry: RetryPolicy | None = None,
        credentials: Security | grpc.ChannelCredentials | None = None,
    ) -> None:
        """``address`` is "host:port"; ``timeout`` is the default deadline of a call in seconds."""
        super().__init__("the label service", address, LabelServiceStub, timeout, retry, credentials)

    def label(
        self,
        task: str,
        record: RecordInput,
        *,
        version: int | None = None,
        alias: str | None = None,
        explain: bool = False,
        distribution: bool = False,
        timeout: float | None = None,
    ) -> Labeling:
        """Return the label of one record: a text, or values by field name.

        ``version`` or ``alias`` say who answers; "production" if neither is given. ``explain`` asks for each
        program's vote, ``distribution`` for the probability of every label.
        """
        request = label_request(task, record, Selector(version, alias), Details(explain, distribution))
        return read_label(self._calls.make(self._stub.Label, request, timeout=timeout))

    def label_batch(
        self,
        task: str,
        records: Sequence[RecordInput],
        *,
        version: int | None = None,
        alias: str | None = None,
        explain: bool = False,
        distribution: bool = False,
        timeout: float | None = None,
    ) -> list[Outcome]:
        """Return one outcome a record, in order; a record that cannot be labeled is a Failure and harms no other.

        Large batches travel in several calls, each with the deadline ``timeout``.
        """
        chunks, failures = split_batch(task, records, Selector(version, alias), Details(explain, distribution))
        return join_batch(self._answers(chunks, timeout), failures)

    def label_stream(
        self,
        task: str,
        records: Iterable[RecordInput],
        *,
        version: int | None = None,
        alias: str | None = None,
        explain: bool = False,
        distribution: bool = False,
        timeout: float | None = None,
    ) -> Iterator[Outcome]:
        """Yield one outcome a record, in order, while records are still being read.

        Nothing is sent again: if the connection breaks, Unavailable is raised. ``timeout`` covers the whole
        stream; without it there is no deadline. ``records`` is read in another thread; what it raises is raised here.
        """
        order = StreamOrder(task, Selector(version, alias), Details(explain, distribution))
        source = iter(items(records, "records", "one record"))
        raised: list[BaseException] = []
        opened = functools.partial(
            self._stub.LabelStream, _requests(order, source, raised), timeout=stream_timeout(timeout)
        )
        with closing(self._calls.stream(opened)) as answers:
            for response in answers:
                yield from order.incoming(response)
        yield from order.unsent()
        if raised:
            raise raised[0]

    def _answers(self, chunks: list[Chunk], timeout: float | None) -> Iterator[tuple[Chunk, list[Outcome]]]:
        waiting = deque(chunks)
        while waiting:
            chunk = waiting.popleft()
            try:
                response = self._calls.make(self._stub.LabelBatch, chunk.request, timeout=timeout)
            except LabelwrightError as error:
                waiting.extendleft(reversed(halves(chunk, error)))
            else:
                yield chunk, read_batch(response)


def _requests(
    order: StreamOrder, records: Iterator[RecordInput], raised: list[BaseException]
) -> Iterator[pb.LabelStreamRequest]:
    """Yield the requests, and end them where reading the records raises anything: gRPC would wait for ever."""
    while True:
        try:
            request = order.outgoing(next(records))
        except StopIteration:
            return
        except BaseException as error:
            raised.append(error)
            return
        if request is not None:
            yield request
