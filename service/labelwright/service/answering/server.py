"""The gRPC server around the LabelService: threads, limits, health, reflection, drain."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import HealthServicer
from grpc_reflection.v1alpha import reflection
from labelwright.core.errors import ConfigurationError
from labelwright.core.wire.status import ErrorInterceptor
from labelwright.service.answering.label_service import LabelService
from labelwright.v1 import label_service_pb2 as pb
from labelwright.v1.label_service_pb2_grpc import add_LabelServiceServicer_to_server

SERVICE = pb.DESCRIPTOR.services_by_name["LabelService"].full_name
_SPARE_THREADS = 8
"""Threads above what admission lets in: they say no quickly, and answer health checks."""
_HEALTH_NAMES = ("", SERVICE)


class _Threads(ThreadPoolExecutor):
    """The threads that answer requests."""

    @property
    def waiting(self) -> int:
        """Requests that no thread has taken yet."""
        return self._work_queue.qsize()


class LabelServer:
    """Serves until it is drained. Not serving, as health tells it, until ``set_serving``."""

    def __init__(
        self, service: LabelService, *, max_requests: int, max_streams: int, max_request_bytes: int, share_port: bool
    ) -> None:
        threads = max_requests + max_streams + _SPARE_THREADS
        self._threads = _Threads(threads, thread_name_prefix="rpc")
        self._server = grpc.server(
            self._threads,
            interceptors=[ErrorInterceptor()],
            # Beyond what threads can take, gRPC itself refuses: its own queue has no bound.
            maximum_concurrent_rpcs=2 * threads,
            options=[
                ("grpc.so_reuseport", int(share_port)),
                # Above the service's own bound, which answers with a reason; this one only cuts off.
                ("grpc.max_receive_message_length", 2 * max_request_bytes),
                ("grpc.max_send_message_length", -1),
            ],
        )
        add_LabelServiceServicer_to_server(service, self._server)
        self._health = HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        self._set_health(health_pb2.HealthCheckResponse.NOT_SERVING)
        names = (SERVICE, health_pb2.DESCRIPTOR.services_by_name["Health"].full_name, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, self._server)

    @property
    def waiting(self) -> int:
        """Requests that wait for a thread."""
        return self._threads.waiting

    def start(self, address: str) -> None:
        """Listen. Raises ConfigurationError where the port is taken."""
        try:
            port = self._server.add_insecure_port(address)
        except RuntimeError:
            port = 0
        if not port:
            raise ConfigurationError(f"cannot listen on {address}", advice="the port is taken; choose another")
        self._server.start()

    def set_serving(self) -> None:
        """Tell health checks that requests are welcome."""
        self._set_health(health_pb2.HealthCheckResponse.SERVING)

    def drain(self, seconds: float) -> None:
        """Take no new requests, finish those in flight, at most for so long."""
        self._health.enter_graceful_shutdown()
        self._server.stop(seconds).wait()

    def _set_health(self, status: int) -> None:
        for name in _HEALTH_NAMES:
            self._health.set(name, status)
