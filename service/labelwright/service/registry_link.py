"""The calls that the label service makes to the registry."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence

import grpc
from labelwright.core.bundle import MAX_BUNDLE_BYTES
from labelwright.core.machine.proxies import channel_options, grpc_way
from labelwright.core.wire.security import Security
from labelwright.core.wire.status import from_rpc_error
from labelwright.v1 import registry_service_pb2 as pb
from labelwright.v1.registry_service_pb2_grpc import RegistryServiceStub

_WATCH_SECONDS = 120.0
"""A watch is renewed this often; each begins with the full state."""
_DOWNLOAD_SECONDS = 30.0
_OPTIONS = [
    ("grpc.max_receive_message_length", MAX_BUNDLE_BYTES + (4 << 20)),
    # Two links of one process must not share a connection that may be dead.
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2000),
]


class RegistryLink:
    """One registry, by address, reached as the environment says (Security)."""

    def __init__(self, address: str, tasks: Sequence[str]) -> None:
        """Raise ConfigurationError where the connection cannot be protected as the environment says."""
        self._address = address
        self._tasks = tuple(tasks)
        self._options = [*_OPTIONS, *channel_options(address)]
        self._security = Security.from_environment()
        self._channel = self._security.channel(address, self._options)
        self._stub = RegistryServiceStub(self._channel)
        self._lock = threading.Lock()
        self._watch: grpc.Call | None = None
        self._closed = False

    @property
    def place(self) -> str:
        """Its address, for people, with the proxy that stands between."""
        return f"{self._address}{grpc_way(self._address)}"

    @property
    def tasks(self) -> tuple[str, ...]:
        """The only tasks that are watched; all where empty."""
        return self._tasks

    def watch(self) -> Iterator[pb.WatchResponse]:
        """Yield the registry's messages until the connection ends, the full state first. Raises LabelwrightError.

        Each call opens a new connection: an old one that is dead but not known to be cannot delay it. And each asks for
        the full state: a database that was put back by hand reaches an earlier revision again, with other content.
        """
        with self._security.channel(self._address, self._options) as channel:
            call = RegistryServiceStub(channel).Watch(pb.WatchRequest(tasks=self._tasks), timeout=_WATCH_SECONDS)
            with self._lock:
                if self._closed:
                    return
                self._watch = call
            try:
                yield from call
            except grpc.RpcError as error:
                raise from_rpc_error(error) from None

    def interrupt_watch(self) -> None:
        """End the current watch, for example because it has been silent for too long."""
        with self._lock:
            if self._watch is not None:
                self._watch.cancel()

    def download_digest(self, task: str, digest: str) -> pb.DownloadBundleResponse:
        """Return the version's bundle. Raises LabelwrightError."""
        return self._download(pb.DownloadBundleRequest(task=task, digest=digest))

    def download_number(self, task: str, number: int) -> pb.DownloadBundleResponse:
        """Return the version's bundle. Raises LabelwrightError."""
        return self._download(pb.DownloadBundleRequest(task=task, version=number))

    def close(self) -> None:
        """End all calls."""
        with self._lock:
            self._closed = True
        self.interrupt_watch()
        with contextlib.suppress(ValueError):
            self._channel.close()

    def _download(self, request: pb.DownloadBundleRequest) -> pb.DownloadBundleResponse:
        try:
            return self._stub.DownloadBundle(request, timeout=_DOWNLOAD_SECONDS)
        except grpc.RpcError as error:
            raise from_rpc_error(error) from None
