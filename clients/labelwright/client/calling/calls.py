"""Calls to one server, with their retries: the only place where the sync and the asyncio client wait."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import grpc
from labelwright.client.calling.retry import Attempts, RetryPolicy
from labelwright.core.errors import DeadlineExceeded, LabelwrightError, Unavailable
from labelwright.core.wire.status import TRANSPORT, from_rpc_error

_Response = TypeVar("_Response")


@dataclass(frozen=True, slots=True)
class Calls:
    """How calls to one server are made. ``server`` names it in errors; ``timeout`` is in seconds."""

    server: str
    timeout: float
    retry: RetryPolicy

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
        while True:
            try:
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
        while True:
            try:
                return await method(request, timeout=attempts.remaining())
            except grpc.RpcError as error:
                failure = self.failure(error)
            await asyncio.sleep(attempts.pause_after(failure))

    def failure(self, error: grpc.RpcError) -> LabelwrightError:
        """Return the typed error; if the connection failed, one that names the server."""
        failure = from_rpc_error(error)
        if TRANSPORT not in failure.metadata:
            return failure
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

    def _attempts(self, timeout: float | None, retry: RetryPolicy | None) -> Attempts:
        return Attempts(retry or self.retry, self.timeout if timeout is None else timeout)
