"""Exits with 0 where a gRPC server at one of the addresses says that it serves: ``healthcheck.py HOST:PORT ...``."""

from __future__ import annotations

import sys

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from labelwright.core.machine.proxies import channel_options
from labelwright.core.wire.security import Security

TIMEOUT_SECONDS = 2.0


def serving(address: str) -> bool:
    """Whether the server at ``address`` answers, and says SERVING."""
    with Security.from_environment().channel(address, channel_options(address)) as channel:
        try:
            check = health_pb2_grpc.HealthStub(channel).Check  # type: ignore[attr-defined]
            answer = check(health_pb2.HealthCheckRequest(), timeout=TIMEOUT_SECONDS)
        except grpc.RpcError:
            return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


if __name__ == "__main__":
    sys.exit(0 if any(map(serving, sys.argv[1:])) else 1)
