"""How clients reach a server: one channel each, the same settings."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from typing import Generic, Self, TypeVar, cast

import grpc
from labelwright.client.calling.calls import Calls
from labelwright.client.calling.retry import RetryPolicy, seconds
from labelwright.client.calling.use import Use
from labelwright.core.errors import ConfigurationError, InvalidRequest
from labelwright.core.machine.proxies import channel_options, grpc_way
from labelwright.core.wire.security import Security

_Stub = TypeVar("_Stub")

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
# A quiet connection is probed after five minutes, as often as servers tolerate, so that no stream hangs forever.
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
    if not isinstance(address, str) or not _ADDRESS.fullmatch(address) or not _is_utf8(address):
        shown = ascii(address) if isinstance(address, str) else type(address).__name__
        raise ConfigurationError(f"{shown} is not an address", advice="write host:port, such as 127.0.0.1:7400")
    return address


def server_name(kind: str, address: str) -> str:
    """Return the server's name for errors, with the proxy that stands between."""
    return f"{kind} at {address}{grpc_way(address)}"


class Connection(Generic[_Stub]):
    """One channel to a server, open until ``close`` or the end of a ``with`` block."""

    def __init__(
        self,
        server: str,
        address: str,
        make_stub: Callable[[grpc.Channel], _Stub],
        timeout: float,
        retry: RetryPolicy | None,
        credentials: Security | grpc.ChannelCredentials | None,
    ) -> None:
        """Open the channel; ``server`` says what is at ``address``, for errors. Without ``credentials`` the
        environment says how it is protected: Security.from_environment.

        Raises ConfigurationError where the address or the credentials are none, InvalidRequest for the time-out.
        """
        self._target, self._credentials = check_address(address), _checked(credentials)
        self._options = (*OPTIONS, *channel_options(self._target))
        self._make_stub = make_stub
        self._use = Use()
        self._calls = Calls(server_name(server, address), seconds(timeout), _policy(retry), self._use)
        self._open(self._options)

    @property
    def _stub(self) -> _Stub:
        if self._use.is_inherited and not self._use.is_lost:
            with self._use.opening:
                if self._use.is_inherited:
                    # Not on a connection that the other process may have open, as two channels of one process would.
                    self._open((*self._options, ("grpc.use_local_subchannel_pool", 1)))
                    self._use.is_inherited = False
        return self._opened_stub

    def close(self) -> None:
        """Close the connection; calls under way end with an error."""
        self._use.is_closed = True
        if not self._use.is_inherited:
            self._channel.close()
            self._use.disown(self._channel)

    def _open(self, options: Sequence[tuple[str, int | str]]) -> None:
        self._channel = (
            self._credentials.channel(self._target, options)
            if isinstance(self._credentials, Security)
            else grpc.secure_channel(self._target, self._credentials, options=options)
        )
        self._use.own(self._channel)
        self._opened_stub = self._make_stub(self._channel)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncConnection:
    """Connection, within one event loop: that in which it is first used."""

    def __init__(
        self,
        server: str,
        address: str,
        timeout: float,
        retry: RetryPolicy | None,
        credentials: Security | grpc.ChannelCredentials | None,
    ) -> None:
        """Make a connection with the arguments of Connection."""
        self._target, self._credentials = check_address(address), _checked(credentials)
        self._options = (*OPTIONS, *channel_options(self._target))
        self._use = Use(asyncio=True)
        self._calls = Calls(server_name(server, address), seconds(timeout), _policy(retry), self._use)
        self._open: tuple[asyncio.AbstractEventLoop, grpc.aio.Channel, object] | None = None

    def _stub_of(self, make_stub: Callable[[grpc.aio.Channel], _Stub]) -> _Stub:
        """Return the stub, on a channel that is opened at the first use. Raises InvalidRequest in another event loop.

        Every call names the same ``make_stub``.
        """
        self._use.check()
        running = asyncio.get_running_loop()
        if self._open is None:
            channel = (
                self._credentials.aio_channel(self._target, self._options)
                if isinstance(self._credentials, Security)
                else grpc.aio.secure_channel(self._target, self._credentials, options=self._options)
            )
            self._use.own(channel)
            self._open = running, channel, make_stub(channel)
        loop, _, stub = self._open
        if loop is not running:
            raise InvalidRequest(
                "the client belongs to another event loop: the one in which it was first used",
                advice="open a client in each event loop, such as inside of what asyncio.run runs",
            )
        return cast(_Stub, stub)

    async def close(self) -> None:
        """Close the connection; calls under way end with an error."""
        self._use.is_closed = True
        if self._open is not None and not self._use.is_lost:
            loop, channel, _ = self._open
            if loop is asyncio.get_running_loop():
                await channel.close()
                self._use.disown(channel)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def _policy(retry: RetryPolicy | None) -> RetryPolicy:
    if retry is not None and not isinstance(retry, RetryPolicy):
        raise ConfigurationError(
            f"retry takes a RetryPolicy, not {type(retry).__name__}", advice="for example RetryPolicy(attempts=1)"
        )
    return retry or RetryPolicy()


def _checked(credentials: Security | grpc.ChannelCredentials | None) -> Security | grpc.ChannelCredentials:
    if credentials is None:
        return Security.from_environment()
    if not isinstance(credentials, Security | grpc.ChannelCredentials):
        raise ConfigurationError(
            f"credentials are a Security, or gRPC's, not {type(credentials).__name__}",
            advice='for example Security(ca="ca.pem", token_file="token")',
        )
    return credentials


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
