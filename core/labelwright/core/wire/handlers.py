"""Wraps what answers gRPC calls, whatever their kind."""

from __future__ import annotations

import abc
from collections.abc import Callable
from typing import Any, TypeAlias

import grpc
from typing_extensions import override

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"


class WrappingInterceptor(grpc.ServerInterceptor, abc.ABC):
    """Wraps the handlers of our own services, each once."""

    def __init__(self) -> None:
        self._wrapped: dict[str, tuple[Handler, Handler]] = {}

    @abc.abstractmethod
    def wrap(self, handler: Handler, method: str) -> Handler:
        """Return a handler around that of the method, such as ``/labelwright.v1.LabelService/Label``."""

    @override
    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Handler | None],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        handler = continuation(handler_call_details)
        method = handler_call_details.method
        # Health and reflection are grpc's own: their Watch is called in a way that a wrapper would break.
        if handler is None or not method.startswith("/labelwright."):
            return handler
        # This runs at every request, and wrapping the handler again would take as long as a small answer.
        known = self._wrapped.get(method)
        if known is None or known[0] is not handler:
            known = self._wrapped[method] = handler, self.wrap(handler, method)
        return known[1]


def behavior_of(handler: Handler) -> Callable[..., Any]:
    """Return what answers, whichever kind it is of."""
    behavior: Callable[..., Any] = getattr(handler, _kind(handler))
    return behavior


def with_behavior(
    handler: Handler, behavior: Callable[..., Any], deserializer: Callable[[bytes], Any] | None = None
) -> Handler:
    """Return a handler of the same kind that answers by ``behavior``, and reads by ``deserializer`` where given."""
    make: Callable[..., Handler] = getattr(grpc, f"{_kind(handler)}_rpc_method_handler")
    return make(
        behavior,
        request_deserializer=deserializer or handler.request_deserializer,
        response_serializer=handler.response_serializer,
    )


def _kind(handler: Handler) -> str:
    return "_".join(
        "stream" if streaming else "unary" for streaming in (handler.request_streaming, handler.response_streaming)
    )
