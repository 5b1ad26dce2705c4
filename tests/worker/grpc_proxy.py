"""A gRPC proxy between a client and a server that tells of each call once the server has done it, before the client
hears of it. Unary calls only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc

Done = Callable[[str, bytes], None]
"""Told a method's name and the request, when the server has answered."""
_OPTIONS = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1))


@contextmanager
def grpc_proxy(target: str, done: Done) -> Iterator[str]:
    """Yield the address of a proxy to ``target``."""
    with grpc.insecure_channel(target, options=_OPTIONS) as channel:
        server = grpc.server(ThreadPoolExecutor(16), options=_OPTIONS)
        server.add_generic_rpc_handlers((_Forward(channel, done),))
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        try:
            yield f"127.0.0.1:{port}"
        finally:
            server.stop(grace=None).wait()


class _Forward(grpc.GenericRpcHandler):
    def __init__(self, channel: grpc.Channel, done: Done) -> None:
        self._channel = channel
        self._done = done

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes]:
        method = handler_call_details.method
        call: grpc.UnaryUnaryMultiCallable[bytes, bytes] = self._channel.unary_unary(method)

        def forward(request: bytes, context: Any) -> Any:
            try:
                answer = call(request, timeout=60)
            except grpc.RpcError as error:
                context.set_trailing_metadata(error.trailing_metadata())
                context.abort(error.code(), error.details())
            self._done(method.rpartition("/")[2], request)
            return answer

        return grpc.unary_unary_rpc_method_handler(forward)
