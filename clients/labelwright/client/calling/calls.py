"""Calls to one server, with their retries: the only place where the sync and the asyncio client wait."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol, TypeVar

import grpc
from labelwright.client.calling.retry import Attempts, RetryPolicy, seconds
from labelwright.client.calling.use import Use
from labelwright.core.errors import DeadlineExceeded, LabelwrightError, Unavailable
from labelwright.core.wire.status import TRANSPORT, from_rpc_error

_Response = TypeVar("_Response")
_Answer = TypeVar("_Answer", covariant=True)


class _Answers(Protocol[_Answer]):
    def __next__(self) -> _Answer: ...

    def cancel(self) -> object: ...


class _AsyncAnswers(Protocol[_Answer]):
    def __aiter__(self) -> AsyncIterator[_Answer]: ...

    def cancel(self) -> object: ...


@dataclass(frozen=True, slots=True)
class Calls:
    """How calls to one server are made. ``server`` names it in errors; ``timeout`` is in seconds."""

    server: str
    timeout: float
    retry: RetryPolicy
    use: Use

    def make(
        self,
        method: Callable[..., _Response],
        request: object,
        *,
        timeout: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> _Response:
        """Return the answer. Raises LabelwrightError."""
        attempts = self._attempts(timeout, retry)
        with self.use.call():
            while True:
                try:
                    with self._open():
                        return method(request, timeout=attempts.remaining())
                except grpc.RpcError as error:
                    failure = self.failure(error)
                time.sleep(attempts.pause_after(failure))

    async def make_async(
        self,
        method: Callable[..., Awaitable[_Response]],
        request: object,
        *,
        timeout: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> _Response:
        """Return the answer. Raises LabelwrightError."""
        attempts = self._attempts(timeout, retry)
        with self.use.call():
            while True:
                try:
                    with self._open():
                        return await method(request, timeout=attempts.remaining())
                except grpc.RpcError as error:
                    failure = self.failure(error)
                await asyncio.sleep(attempts.pause_after(failure))

    def stream(self, open_stream: Callable[[], _Answers[_Response]]) -> Generator[_Response]:
        """Yield a stream's answers until it ends; it is cancelled where it is left early. Raises LabelwrightError."""
        with self.use.call():
            answers = None
            try:
                with self._open():
                    answers = open_stream()
                self.use.own(answers)
                while True:
                    self.use.check()  # a fork may have come since the last answer
                    with self._open():
                        try:
                            answer = next(answers)
                        except StopIteration:
                            return
                    yield answer
            except grpc.RpcError as error:
                raise self.failure(error) from None
            finally:
                if answers is not None and not self.use.is_lost:
                    answers.cancel()
                    self.use.disown(answers)

    async def stream_async(self, open_stream: Callable[[], _AsyncAnswers[_Response]]) -> AsyncGenerator[_Response]:
        """Yield a stream's answers until it ends; it is cancelled where it is left early. Raises LabelwrightError."""
        with self.use.call():
            answers = None
            try:
                with self._open():
                    answers = open_stream()
                self.use.own(answers)
                iterator = aiter(answers)
                while True:
                    self.use.check()
                    with self._open():
                        answer = await anext(iterator, None)
                    if answer is None:
                        return
                    yield answer
            except grpc.RpcError as error:
                raise self.failure(error) from None
            finally:
                if answers is not None and not self.use.is_lost:
                    answers.cancel()
                    self.use.disown(answers)

    def failure(self, error: grpc.RpcError) -> LabelwrightError:
        """Return what ``error`` means; where the connection failed, an error that names the server."""
        failure = from_rpc_error(error)
        if TRANSPORT not in failure.metadata:
            return failure
        self.use.check()  # it may have failed because it was closed
        if isinstance(failure, Unavailable):
            return Unavailable(
                f"{self.server} cannot be reached",
                advice="is it running, and is the address right?",
                detail=failure.message,
            )
        if isinstance(failure, DeadlineExceeded):
            return DeadlineExceeded(
                f"{self.server} did not answer in time", advice="allow more seconds, or look at the server's load"
            )
        return failure

    @contextmanager
    def _open(self) -> Iterator[None]:
        """Say of what gRPC raises on a connection that is closed meanwhile that it is closed."""
        try:
            yield
        except (ValueError, grpc.aio.UsageError):
            self.use.check()
            raise
        except asyncio.CancelledError:
            # gRPC ends its own calls so; a caller whose task is cancelled must hear just that.
            task = asyncio.current_task()
            if task is None or not task.cancelling():
                self.use.check()
            raise

    def _attempts(self, timeout: float | None, retry: RetryPolicy | None) -> Attempts:
        return Attempts(retry or self.retry, self.timeout if timeout is None else seconds(timeout))
