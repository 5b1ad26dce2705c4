"""The asyncio client of the label service: the same calls as Client, awaited."""

from __future__ import annotations

import asyncio
import functools
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING

import grpc
from labelwright.client.calling.channel import LABEL_ADDRESS, LABEL_TIMEOUT, AsyncConnection
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

if TYPE_CHECKING:  # a name of the stubs' types alone
    from labelwright.v1.label_service_pb2_grpc import LabelServiceAsyncStub


class AsyncClient(AsyncConnection):
    """Labels records over one connection, within one event loop. Errors and retries are those of Client."""

    def __init__(
        self,
        address: str = LABEL_ADDRESS,
        *,
        timeout: float = LABEL_TIMEOUT,
        retry: RetryPolicy | None = None,
        credentials: Security | grpc.ChannelCredentials | None = None,
    ) -> None:
        """``address`` is "host:port"; ``timeout`` is the default deadline of a call in seconds."""
        super().__init__("the label service", address, timeout, retry, credentials)

    async def label(
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
        return read_label(await self._calls.make_async(self._stub.Label, request, timeout=timeout))

    async def label_batch(
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
        return join_batch(await self._answers(chunks, timeout), failures)

    async def label_stream(
        self,
        task: str,
        records: Iterable[RecordInput] | AsyncIterable[RecordInput],
        *,
        version: int | None = None,
        alias: str | None = None,
        explain: bool = False,
        distribution: bool = False,
        timeout: float | None = None,
    ) -> AsyncIterator[Outcome]:
        """Yield one outcome a record, in order, while records are still being read.

        Nothing is sent again: if the connection breaks, Unavailable is raised. ``timeout`` covers the whole
        stream; without it there is no deadline. ``records`` may be an asynchronous iterable too.

        An iterable that is not is read in the event loop, which waits for as long as reading a record takes.
        """
        order = StreamOrder(task, Selector(version, alias), Details(explain, distribution))
        next_record = _next_of(records)
        raised: list[BaseException] = []
        opened = functools.partial(
            self._stub.LabelStream, _requests(order, next_record, raised), timeout=stream_timeout(timeout)
        )
        async with aclosing(self._calls.stream_async(opened)) as answers:
            async for response in answers:
                for outcome in order.incoming(response):
                    yield outcome
        for outcome in order.unsent():
            yield outcome
        if raised:
            raise raised[0]

    @property
    def _stub(self) -> LabelServiceAsyncStub:
        return self._stub_of(LabelServiceStub)

    async def _answers(self, chunks: list[Chunk], timeout: float | None) -> list[tuple[Chunk, list[Outcome]]]:
        waiting, answers = deque(chunks), []
        while waiting:
            chunk = waiting.popleft()
            try:
                response = await self._calls.make_async(self._stub.LabelBatch, chunk.request, timeout=timeout)
            except LabelwrightError as error:
                waiting.extendleft(reversed(halves(chunk, error)))
            else:
                answers.append((chunk, read_batch(response)))
        return answers


async def _requests(
    order: StreamOrder, next_record: Callable[[], Awaitable[RecordInput]], raised: list[BaseException]
) -> AsyncIterator[pb.LabelStreamRequest]:
    """Yield the requests, and end them where reading the records raises anything: gRPC would only say "cancelled"."""
    while True:
        try:
            request = order.outgoing(await next_record())
        except StopAsyncIteration:
            return
        except BaseException as error:
            task = asyncio.current_task()
            if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
                raise  # not the caller's iterator: gRPC stops reading it
            raised.append(error)
            return
        if request is not None:
            yield request


def _next_of(records: Iterable[RecordInput] | AsyncIterable[RecordInput]) -> Callable[[], Awaitable[RecordInput]]:
    """Return what reads the next record. It raises StopAsyncIteration at the end."""
    if isinstance(records, AsyncIterable):
        return aiter(records).__anext__
    iterator = iter(items(records, "records", "one record"))

    async def following() -> RecordInput:
        try:
            return next(iterator)
        except StopIteration:
            raise StopAsyncIteration from None

    return following
