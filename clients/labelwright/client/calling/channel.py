"""How clients reach a server: one channel each, the same settings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Self

import grpc
from labelwright.core.errors import ConfigurationError
from labelwright.core.proxies import channel_options, grpc_way

LABEL_ADDRESS = "127.0.0.1:7400"
REGISTRY_ADDRESS = "127.0.0.1:7420"
LABEL_TIMEOUT = 10.0
"""Seconds that a call to the label service may take, retries included."""
REGISTRY_TIMEOUT = 30.0
"""Seconds that a call to the registry may take."""
PUSH_TIMEOUT = 300.0
"""Seconds that a push may take: acceptance runs every program on every gold and sample row, several times."""

_MAX_ANSWER_BYTES = 64 << 20
# gRPC waits up to two minutes before it connects again; a restarted server should be found within a second or two.
# A quiet connection is probed after five minutes, as often as servers tolerate, so that no stream hangs for ever.
OPTIONS: Sequence[tuple[str, int | str]] = (
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.keepalive_time_ms", 310_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.max_receive_message_length", _MAX_ANSWER_BYTES),
    ("grpc.max_send_message_length", _MAX_ANSWER_BYTES),
)

_ADDRESS = re.compile(r"(?:(?:dns|ipv4|ipv6|unix|xds):.+|\[[0-9a-fA-F:.]+\]:\d{1,5}|[^\s:/]+:\d{1,5})")


def check_address(address: str) -> str:
    """Return ``address``. Raises ConfigurationError where it is not "host:port" or one of gRPC's name schemes."""
    if not _ADDRESS.fullmatch(address):
        raise ConfigurationError(f"{address!a} is not an address", advice="write host:port, such as 127.0.0.1:7400")
    return address


def server_name(kind: str, address: str) -> str:
    """Return the server's name for errors, with the proxy that stands between."""
    return f"{kind} at {address}{grpc_way(address)}"


class Connection:
    """One channel to a server, open until ``close`` or the end of a ``with`` block."""

    def __init__(self, address: str, credentials: grpc.ChannelCredentials | None) -> None:
        """Open the channel. Raises ConfigurationError where ``address`` is none."""
        target = check_address(address)
        options = (*OPTIONS, *channel_options(target))
        self._channel = (
            grpc.secure_channel(target, credentials, options=options)
            if credentials
            else grpc.insecure_channel(target, options=options)
        )

    def close(self) -> None:
        """Close the connection."""
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncConnection:
    """Connection, within one event loop."""

    def __init__(self, address: str, credentials: grpc.ChannelCredentials | None) -> None:
        """Open the channel. Raises ConfigurationError where ``address`` is none."""
        target = check_address(address)
        options = (*OPTIONS, *channel_options(target))
        self._channel = (
            grpc.aio.secure_channel(target, credentials, options=options)
            if credentials
            else grpc.aio.insecure_channel(target, options=options)
        )

    async def close(self) -> None:
        """Close the connection."""
        await self._channel.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
