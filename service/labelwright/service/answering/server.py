"""The gRPC server around the LabelServicer: how many threads, how large a request, whose port."""

from __future__ import annotations

from functools import partial

from labelwright.serving.access.access import Access
from labelwright.serving.access.identity import Scope
from labelwright.serving.rpc_server import Health, RpcServer
from labelwright.v1 import label_service_pb2 as pb
from labelwright.v1.label_service_pb2_grpc import LabelServiceServicer, add_LabelServiceServicer_to_server

SERVICE = pb.DESCRIPTOR.services_by_name["LabelService"].full_name
SCOPES = {f"/{SERVICE}/{method}": Scope.LABEL for method in ("Label", "LabelBatch", "LabelStream")}
"""What the caller of each method needs; a test holds that none is missing."""
_SPARE_THREADS = 8
"""Threads above what admission lets in: they refuse quickly, and answer health checks."""


def make_label_server(
    servicer: LabelServiceServicer,
    health: Health,
    access: Access,
    *,
    max_requests: int,
    max_streams: int,
    max_request_bytes: int,
    share_port: bool,
) -> RpcServer:
    """Return the server. Where ``share_port``, other processes of this user may listen on the port too."""
    threads = max_requests + max_streams + _SPARE_THREADS
    return RpcServer(
        {SERVICE: partial(add_LabelServiceServicer_to_server, servicer)},
        health,
        access,
        SCOPES,
        threads=threads,
        # Beyond what threads can take, gRPC itself refuses: its own queue has no bound.
        max_calls=2 * threads,
        options=(
            ("grpc.so_reuseport", int(share_port)),
            # Above the servicer's own bound, which answers with a reason; this one only cuts off.
            ("grpc.max_receive_message_length", 2 * max_request_bytes),
            ("grpc.max_send_message_length", -1),
        ),
    )
