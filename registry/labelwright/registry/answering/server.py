"""The gRPC server around the servicers: which services, how large a message, which connections."""

from __future__ import annotations

from functools import partial

from labelwright.core.run import MAX_FILE_BYTES
from labelwright.serving.access.access import Access
from labelwright.serving.access.identity import Scope
from labelwright.serving.rpc_server import Health, RpcServer
from labelwright.v1 import registry_service_pb2, run_service_pb2
from labelwright.v1.registry_service_pb2_grpc import RegistryServiceServicer, add_RegistryServiceServicer_to_server
from labelwright.v1.run_service_pb2_grpc import RunServiceServicer, add_RunServiceServicer_to_server

MAX_MESSAGE_BYTES = MAX_FILE_BYTES + (64 << 10)
"""The largest file of a run, and what stands around it in its message."""
REGISTRY_SERVICE = registry_service_pb2.DESCRIPTOR.services_by_name["RegistryService"].full_name
RUN_SERVICE = run_service_pb2.DESCRIPTOR.services_by_name["RunService"].full_name
SERVICES = (REGISTRY_SERVICE, RUN_SERVICE)

_OPTIONS = (
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    # Two servers on one port would share its calls unnoticed.
    ("grpc.so_reuseport", 0),
    # Label servers behind a NAT keep their Watch alive by pings.
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
)


SCOPES = {
    **{
        f"/{REGISTRY_SERVICE}/{name}": scope
        for scope, names in {
            Scope.READ: (
                *("ListTasks", "ListVersions", "GetVersion", "DownloadBundle"),
                *("ListAliases", "ListAliasHistory", "Watch"),
            ),
            Scope.PUSH: ("PushVersion",),
            Scope.PROMOTE: ("SetAlias", "DeleteAlias", "Rollback"),
        }.items()
        for name in names
    },
    **{
        f"/{RUN_SERVICE}/{name}": scope
        for scope, names in {
            Scope.READ: ("ListRunFiles", "GetRun", "ListRuns"),
            # The files of a run hold records, and its lease makes versions.
            Scope.PUSH: ("ClaimRun", "RenewLease", "AdvanceRun", "PutRunFile", "GetRunFile"),
            Scope.PROMOTE: ("StartRun", "ReviewRun"),
        }.items()
        for name in names
    },
}
"""What the caller of each method needs; a test holds that none is missing."""
WITHOUT_TASK = (f"/{REGISTRY_SERVICE}/PushVersion",)
"""Methods whose requests do not name the task that they are about."""


def make_server(
    registry: RegistryServiceServicer, runs: RunServiceServicer, health: Health, access: Access, *, threads: int
) -> RpcServer:
    """Return the server. ``threads`` must exceed the watchers that are allowed, or they would starve other calls."""
    services = {
        REGISTRY_SERVICE: partial(add_RegistryServiceServicer_to_server, registry),
        RUN_SERVICE: partial(add_RunServiceServicer_to_server, runs),
    }
    return RpcServer(services, health, access, SCOPES, without_task=WITHOUT_TASK, threads=threads, options=_OPTIONS)
