"""One call to a server with its retries: the only place where the sync and the asyncio client wait."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import grpc
from assay.client.retry import Attempts, RetryPolicy
from assay.core.status import from_rpc_error

_Response = TypeVar("_Response")


def call(method: Callable[..., _Response], request: object, *, timeout: float, retry: RetryPolicy) -> _Response:
    """Return the answer. Raises AssayError."""
    attempts = Attempts(retry, timeout)
    while True:
        try:
            return method(request, timeout=attempts.remaining())
        except grpc.RpcError as error:
            failure = from_rpc_error(error)
        time.sleep(attempts.pause_after(failure))


async def call_async(
    method: Callable[..., Awaitable[_Response]], request: object, *, timeout: float, retry: RetryPolicy
) -> _Response:
    """Return the answer. Raises AssayError."""
    attempts = Attempts(retry, timeout)
    while True:
        try:
            return await method(request, timeout=attempts.remaining())
        except grpc.RpcError as error:
            failure = from_rpc_error(error)
        await asyncio.sleep(attempts.pause_after(failure))
