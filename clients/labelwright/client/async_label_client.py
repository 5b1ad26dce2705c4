"""The asyncio client of the label service: the same calls as Client, awaited."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Sequence

import grpc
from labelwright.client.calling.calls import Calls
from labelwright.client.calling.channel import LABEL_ADDRESS, LABEL_TIMEOUT, AsyncConnection, server_name
from labelwright.client.calling.retry import RetryPolicy
from labelwright.client.messages.labels import (
    Chunk,
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
from labelwright.v1 import label_service_pb2 as pb
from labelwright.v1.label_service_pb2_grpc import LabelServiceStub


class AsyncClient(AsyncConnection):
    """Labels records over one connection, within one event loop. See Client for what the methods do and raise."""

    def __init__(
        self,
        address: str = LABEL_ADDRESS,
        *,
        timeout: float = LABEL_TIMEOUT,
        retry: RetryPolicy | None = None,
        credentials: grpc.ChannelCredentials | None = None,
    ) -> None:
        """``address`` is "host:port"; ``timeout`` is the default deadline of a call in seconds."""
        super().__init__(address, credentials)
        self._stub = LabelServiceStub(self._channel)
        self._calls = Calls(server_name("the label service", address), timeout, retry or RetryPolicy())

    async def label(
        self,
        task: str,
        record: RecordInput,
        *,
        version: int | None = None,
        alias: str | None = None,
        explain: bool = False,
        timeout: float | None = None,
    ) -> Labeling:
        """See Client.label."""
        request = label_request(task, record, Selector(version, alias), explain)
        return read_label(await self._calls.make_async(self._stub.Label, request, timeout=timeout))

    async def label_batch(
        self,
        task: str,
        records: Sequence[RecordInput],
        *,
        version: int | None = None,
        alias: str | None = None,
        explain: bool = False,
        timeout: float | None = None,
    ) -> list[Outcome]:
        """See Client.label_batch."""
        chunks, failures = split_batch(task, records, Selector(version, alias), explain)
        return join_batch(len(records), await self._answers(chunks, timeout), failures)

    async def label_stream(
        self,
        task: str,
        records: Iterable[RecordInput] | AsyncIterable[RecordInput],
        *,
        version: int | None = None,
        alias: str | None = None,
        explain: bool = False,
        timeout: float | None = None,
    ) -> AsyncIterator[Outcome]:
        """See Client.label_stream; ``records`` may be an asynchronous iterable too."""
        order = StreamOrder(task, Selector(version, alias), explain)
        raised: list[Exception] = []
        answers = self._stub.LabelStream(_requests(order, records, raised), timeout=timeout)
        try:
            async for response in answers:
                for outcome in order.incoming(response):
                    yield outcome
            for outcome in order.unsent():
                yield outcome
        except grpc.RpcError as error:
            raise self._calls.failure(error) from None
        finally:
            answers.cancel()
        if raised:
            raise raised[0]

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
    order: StreamOrder, records: Iterable[RecordInput] | AsyncIterable[RecordInput], raised: list[Exception]
) -> AsyncIterator[pb.LabelStreamRequest]:
    try:
        async for record in _each(records):
            if (request := order.outgoing(record)) is not None:
                yield request
    except Exception as error:
        raised.append(error)


async def _each(records: Iterable[RecordInput] | AsyncIterable[RecordInput]) -> AsyncIterator[RecordInput]:
    if isinstance(records, AsyncIterable):
        async for record in records:
            yield record
    else:
        for record in records:
            yield record
