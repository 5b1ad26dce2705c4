"""A gRPC server as all of ours are: errors as typed status, health by service, reflection, a drain."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import grpc
from grpc_health.v1 import health as grpc_health
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from labelwright.core.wire.status import ErrorInterceptor
from labelwright.serving.access.access import Access, AccessInterceptor
from labelwright.serving.access.identity import Scope
from labelwright.serving.addresses import join_address, split_address, taken_address


class Health:
    """Whether a server serves: one truth for gRPC's health checks and for /healthz. At first it does not."""

    def __init__(self, services: Iterable[str]) -> None:
        """``services`` are full names of gRPC services; the empty name stands for the server as a whole."""
        self._names = ("", *services)
        self._serving = False
        self._stopping = False
        self.servicer = grpc_health.HealthServicer()
        self.set_serving(serving=False)

    @property
    def serving(self) -> bool:
        """Whether requests are welcome."""
        return self._serving and not self._stopping

    def set_serving(self, serving: bool) -> None:
        """Set the status. No effect after ``shut_down``."""
        self._serving = serving
        status = health_pb2.HealthCheckResponse.SERVING if serving else health_pb2.HealthCheckResponse.NOT_SERVING
        for name in self._names:
            self.servicer.set(name, status)

    def shut_down(self) -> None:
        """Set the status to not serving for good."""
        self._stopping = True
        self.servicer.enter_graceful_shutdown()


class RpcServer:
    """Serves gRPC services on one address."""

    def __init__(
        self,
        services: Mapping[str, Callable[[grpc.Server], None]],
        health: Health,
        access: Access,
        scopes: Mapping[str, Scope],
        *,
        threads: int,
        without_task: Collection[str] = (),
        max_calls: int | None = None,
        options: Sequence[tuple[str, int]] = (),
    ) -> None:
        """``services`` adds each service to the server, by full name. Calls above ``max_calls`` are refused by gRPC.

        ``scopes`` and ``without_task`` say what callers need who are asked who they are: see AccessInterceptor.
        """
        self._access = access
        interceptors: list[grpc.ServerInterceptor] = [ErrorInterceptor()]
        if access.asks:
            interceptors.append(AccessInterceptor(access, scopes, without_task))
        self._threads = _Threads(threads, thread_name_prefix="rpc")
        self._health = health
        self._server = grpc.server(
            self._threads,
            interceptors=interceptors,
            maximum_concurrent_rpcs=max_calls,
            options=options,
        )
        for add in services.values():
            add(self._server)
        health_pb2_grpc.add_HealthServicer_to_server(health.servicer, self._server)
        reflection.enable_server_reflection(
            (*services, grpc_health.SERVICE_NAME, reflection.SERVICE_NAME), self._server
        )

    @property
    def waiting(self) -> int:
        """Calls that wait for a thread."""
        return self._threads.waiting

    def start(self, address: str, variable: str) -> str:
        """Listen and return the address with its real port. Raises ConfigurationError that names the variable."""
        self._access.check_address(address, variable)
        host, _ = split_address(address)
        tls = self._access.tls
        try:
            port = (
                self._server.add_secure_port(address, tls.grpc_credentials())
                if tls
                else self._server.add_insecure_port(address)
            )
        except RuntimeError:
            port = 0
        if not port:
            raise taken_address(address, variable, OSError("the port is taken, or the address is not this machine's"))
        self._server.start()
        self._access.announce(join_address(host, port))
        return join_address(host, port)

    def stop(self, seconds: float) -> threading.Event:
        """Refuse new calls and give those in progress so long. The event is set once all have ended."""
        self._health.shut_down()
        return self._server.stop(seconds)


class _Threads(ThreadPoolExecutor):
    """The threads that answer calls."""

    @property
    def waiting(self) -> int:
        """Calls that no thread has taken yet."""
        return self._work_queue.qsize()
