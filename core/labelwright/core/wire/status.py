"""Errors on the wire: LabelwrightError to and from gRPC status with ``google.rpc.ErrorInfo``.

One interceptor serves every server, so that no stack trace and no library's error text ever reaches a caller.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import DecodeError
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status
from labelwright.core import errors
from labelwright.core.errors import LabelwrightError, Overloaded
from labelwright.core.wire.handlers import Handler, WrappingInterceptor, behavior_of, with_behavior
from typing_extensions import override

DOMAIN = "labelwright"
TRANSPORT = "transport"
"""Metadata of errors that do not come from one of our servers: the gRPC code's name."""
_FULL, _FULL_SECONDS = "Concurrent RPC limit exceeded!", 0.1
"""What gRPC's server itself says beyond its bound of calls, which shares its code with messages that are too large."""
_log = logging.getLogger(__name__)
_BY_REASON = {
    cls.reason: cls for cls in vars(errors).values() if isinstance(cls, type) and issubclass(cls, LabelwrightError)
}


def to_status(error: LabelwrightError) -> status_pb2.Status:
    """Return the status that carries ``error``: ErrorInfo, and RetryInfo where the caller should come back."""
    info = error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=dict(error.metadata))
    if error.advice:
        info.metadata["advice"] = error.advice
    details = [_packed(info)]
    if isinstance(error, Overloaded):
        delay = duration_pb2.Duration()
        delay.FromMilliseconds(round(error.retry_after * 1000))
        details.append(_packed(error_details_pb2.RetryInfo(retry_delay=delay)))
    return status_pb2.Status(code=code_pb2.Code.Value(error.status), message=error.message, details=details)


def from_rpc_error(error: grpc.RpcError) -> LabelwrightError:
    """Return the LabelwrightError that a server sent, or one with what the transport reported."""
    answered = isinstance(error, grpc.Call | grpc.aio.AioRpcError)
    code = error.code() if answered else grpc.StatusCode.UNKNOWN
    message = (error.details() if answered else None) or code.name
    if code is grpc.StatusCode.UNIMPLEMENTED:
        message = "the server has no such method: it is older than this client, or no server of Labelwright"
    info, delay = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
    for detail in _details(error) if answered else []:
        detail.Unpack(info)
        detail.Unpack(delay)
    metadata = {name: value for name, value in info.metadata.items() if name not in ("advice", TRANSPORT)}
    advice = info.metadata.get("advice", "")
    is_full = code is grpc.StatusCode.RESOURCE_EXHAUSTED and message == _FULL
    made = LabelwrightError.__new__(_BY_REASON.get(info.reason, Overloaded if is_full else _by_code(code)))
    LabelwrightError.__init__(made, message, advice=advice)
    # Without an ErrorInfo it does not come from one of our servers, but from the connection, a proxy or gRPC itself.
    made.metadata = metadata if info.reason else metadata | {TRANSPORT: code.name}
    if isinstance(made, Overloaded):
        made.retry_after = delay.retry_delay.ToMilliseconds() / 1000 or _FULL_SECONDS
    return made


def _details(error: Any) -> list[any_pb2.Any]:
    """Return the status details; nothing where a proxy made them contradict the status."""
    try:
        status = rpc_status.from_call(error)
    except (ValueError, DecodeError):
        return []
    return list(status.details) if status else []


class ErrorInterceptor(WrappingInterceptor):
    """Turns LabelwrightError into its status, and any other error into INTERNAL, whose cause only the log here has."""

    @override
    def wrap(self, handler: Handler, method: str) -> Handler:
        guard = _guard_stream if handler.response_streaming else _guard_unary
        behavior = behavior_of(handler)
        if handler.request_streaming:
            behavior = _reading_stream(behavior)
        return with_behavior(handler, guard(behavior, method), _tolerant(handler.request_deserializer))


_UNREADABLE = object()


def _tolerant(parse: Callable[[bytes], Any] | None) -> Callable[[bytes], Any] | None:
    """Pass an unreadable message on as a marker: grpc itself would answer INTERNAL and log a stack trace."""
    if parse is None:
        return None

    def read(message: bytes) -> Any:
        try:
            return parse(message)
        except DecodeError:
            return _UNREADABLE

    return read


def _readable(request: Any) -> Any:
    if request is _UNREADABLE:
        raise errors.InvalidRequest(
            "the message is not what the contract says, or a text in it is not valid UTF-8",
            advice="encode requests with the published contract; texts must be valid UTF-8",
        )
    return request


def _reading_stream(behavior: Callable[..., Any]) -> Callable[..., Any]:
    def reading(requests: Iterator[Any], context: grpc.ServicerContext) -> Any:
        return behavior(map(_readable, requests), context)

    return reading


def _guard_unary(behavior: Callable[..., Any], method: str) -> Callable[..., Any]:
    def guarded(request: Any, context: grpc.ServicerContext) -> Any:
        try:
            return behavior(_readable(request), context)
        except LabelwrightError as error:
            context.abort_with_status(rpc_status.to_status(to_status(error)))
        except Exception as error:
            _abort_unforeseen(error, method, context)

    return guarded


def _guard_stream(behavior: Callable[..., Iterator[Any]], method: str) -> Callable[..., Iterator[Any]]:
    def guarded(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        try:
            yield from behavior(_readable(request), context)
        except LabelwrightError as error:
            context.abort_with_status(rpc_status.to_status(to_status(error)))
        except Exception as error:
            _abort_unforeseen(error, method, context)

    return guarded


def _abort_unforeseen(error: Exception, method: str, context: grpc.ServicerContext) -> None:
    if not context.is_active():
        return
    # grpc's abort raises a bare Exception of its own; a handler that aborted has set its code already.
    if type(error) is Exception and not error.args:
        raise error
    # The type and place of an error are safe to log; its text may quote a record.
    place = error.__traceback__
    while place and place.tb_next:
        place = place.tb_next
    where = f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}" if place else "?"
    _log.error("unforeseen error in %s: %s at %s", method, type(error).__name__, where)
    context.abort_with_status(
        rpc_status.to_status(to_status(LabelwrightError("an internal error; the server's log says where")))
    )


def _by_code(code: grpc.StatusCode) -> type[LabelwrightError]:
    named = {
        grpc.StatusCode.DEADLINE_EXCEEDED: errors.DeadlineExceeded,
        grpc.StatusCode.UNAVAILABLE: errors.Unavailable,
        grpc.StatusCode.INVALID_ARGUMENT: errors.InvalidRequest,
        grpc.StatusCode.NOT_FOUND: errors.NotFound,
        # A server that ends cancels calls that it had not begun.
        grpc.StatusCode.CANCELLED: errors.Unavailable,
        grpc.StatusCode.UNAUTHENTICATED: errors.Unauthenticated,
        grpc.StatusCode.PERMISSION_DENIED: errors.PermissionDenied,
    }
    return named.get(code, LabelwrightError)


def _packed(message: Any) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(message)
    return packed
