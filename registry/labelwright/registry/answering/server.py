"""The gRPC server around the servicers: interceptor, health, reflection, size caps, address."""

from __future__ import annotations

import threading
from concurrent import futures
from pathlib import Path

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from labelwright.core.errors import ConfigurationError
from labelwright.core.run import MAX_FILE_BYTES
from labelwright.core.whole_file import write_whole
from labelwright.core.wire.status import ErrorInterceptor
from labelwright.v1 import registry_service_pb2, run_service_pb2
from labelwright.v1.registry_service_pb2_grpc import RegistryServiceServicer, add_RegistryServiceServicer_to_server
from labelwright.v1.run_service_pb2_grpc import RunServiceServicer, add_RunServiceServicer_to_server

MAX_MESSAGE_BYTES = MAX_FILE_BYTES + (64 << 10)
"""The largest file of a run, and what stands around it in its message."""
_MAX_PORT = 65535
SERVICES = (
    registry_service_pb2.DESCRIPTOR.services_by_name["RegistryService"].full_name,
    run_service_pb2.DESCRIPTOR.services_by_name["RunService"].full_name,
)

_OPTIONS = (
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    # Two servers on one port would share its calls without a word.
    ("grpc.so_reuseport", 0),
    # Label servers behind a NAT keep their Watch alive by pings.
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
)


class Health:
    """Says whether the registry serves, for each service by name and for the server as a whole."""

    def __init__(self) -> None:
        self.servicer = health.HealthServicer()
        self.set_serving(serving=False)

    def set_serving(self, serving: bool) -> None:
        """Set the status."""
        status = health_pb2.HealthCheckResponse.SERVING if serving else health_pb2.HealthCheckResponse.NOT_SERVING
        for name in ("", *SERVICES):
            self.servicer.set(name, status)

    def shut_down(self) -> None:
        """Set NOT_SERVING for good."""
        self.servicer.enter_graceful_shutdown()


class Server:
    """A gRPC server on one address. Watchers have threads of their own, so they never starve the other calls."""

    def __init__(
        self, registry: RegistryServiceServicer, runs: RunServiceServicer, health_of: Health, *, threads: int
    ) -> None:
        self._executor = futures.ThreadPoolExecutor(threads, thread_name_prefix="registry")
        self._server = grpc.server(self._executor, interceptors=[ErrorInterceptor()], options=_OPTIONS)
        add_RegistryServiceServicer_to_server(registry, self._server)
        add_RunServiceServicer_to_server(runs, self._server)
        health_pb2_grpc.add_HealthServicer_to_server(health_of.servicer, self._server)
        reflection.enable_server_reflection((*SERVICES, health.SERVICE_NAME, reflection.SERVICE_NAME), self._server)

    def start(self, listen: str) -> str:
        """Start on ``host:port`` and return the address with the real port. Raises ConfigurationError."""
        host, _ = split_address("LABELWRIGHT_REGISTRY_LISTEN", listen)
        try:
            port = self._server.add_insecure_port(listen)
        except RuntimeError:
            port = 0
        if not port:
            raise ConfigurationError(
                f"cannot listen on {listen}", advice="the port is taken, or the address is not this machine's"
            )
        self._server.start()
        return f"{host}:{port}"

    def stop(self, grace: float) -> threading.Event:
        """Take no new calls; give those under way ``grace`` seconds. The event is set when they are done."""
        return self._server.stop(grace)


def split_address(setting: str, address: str) -> tuple[str, int]:
    """Return host and port. Raises ConfigurationError that names the setting."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or int(port) > _MAX_PORT:
        raise ConfigurationError(f"{setting}: {address!r} is not host:port", advice="for example 127.0.0.1:7420")
    return host, int(port)


def write_address(path: Path, address: str) -> None:
    """Write the address where others on this machine look for it, wholly or not at all."""
    write_whole(path, f"{address}\n".encode())


def remove_address(path: Path, address: str) -> None:
    """Remove the file where it still names this server."""
    if path.is_file() and path.read_text().strip() == address:
        path.unlink()
