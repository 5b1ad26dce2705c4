"""How a client's connection is protected: whom it trusts, and what it shows of itself."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from labelwright.core.errors import ConfigurationError
from labelwright.core.machine.proxies import is_local_target
from typing_extensions import override

CA_VARIABLE, TOKEN_VARIABLE, TOKEN_FILE_VARIABLE = "LABELWRIGHT_CA", "LABELWRIGHT_TOKEN", "LABELWRIGHT_TOKEN_FILE"
CERTIFICATE_VARIABLE, KEY_VARIABLE = "LABELWRIGHT_CERTIFICATE", "LABELWRIGHT_KEY"
SYSTEM = "system"
"""The authorities that come with gRPC, instead of a file of one's own."""

_Options = Sequence[tuple[str, int | str]]


@dataclass(frozen=True, slots=True)
class Security:
    """``ca`` is a PEM file of the authorities that vouch for the server, or "system"; without it there is no TLS.

    ``certificate`` and ``key`` are PEM files of what the client shows where a server asks for a certificate.
    ``token``, or what stands in ``token_file`` at each call, goes with every call: over TLS, or to this machine.
    """

    ca: str = ""
    token: str = field(default="", repr=False)
    token_file: str = ""
    certificate: str = ""
    key: str = ""

    @classmethod
    def from_environment(cls) -> Security:
        """Return what the variables LABELWRIGHT_CA, _TOKEN, _TOKEN_FILE, _CERTIFICATE and _KEY say."""
        names = (CA_VARIABLE, TOKEN_VARIABLE, TOKEN_FILE_VARIABLE, CERTIFICATE_VARIABLE, KEY_VARIABLE)
        return cls(*(os.environ.get(name, "") for name in names))

    def channel(self, target: str, options: _Options) -> grpc.Channel:
        """Return a channel to ``target``. Raises ConfigurationError where this cannot be had, or is not safe."""
        credentials = self._credentials(target)
        if credentials is not None:
            return grpc.secure_channel(target, credentials, options=options)
        channel = grpc.insecure_channel(target, options=options)
        return grpc.intercept_channel(channel, _TokenInterceptor(self._shown_token)) if self._has_token else channel

    def aio_channel(self, target: str, options: _Options) -> grpc.aio.Channel:
        """Return a channel of asyncio to ``target``. Raises ConfigurationError as ``channel`` does."""
        credentials = self._credentials(target)
        if credentials is not None:
            return grpc.aio.secure_channel(target, credentials, options=options)
        interceptors = _aio_interceptors(self._shown_token) if self._has_token else []
        return grpc.aio.insecure_channel(target, options=options, interceptors=interceptors)

    @property
    def _has_token(self) -> bool:
        return bool(self.token or self.token_file)

    def _credentials(self, target: str) -> grpc.ChannelCredentials | None:
        if bool(self.certificate) != bool(self.key):
            raise ConfigurationError(f"{CERTIFICATE_VARIABLE} and {KEY_VARIABLE} are needed together")
        self._shown_token()
        if not self.ca:
            if self.certificate:
                raise ConfigurationError(f"a certificate is only shown over TLS: set {CA_VARIABLE} as well")
            if self._has_token and not is_local_target(target):
                raise ConfigurationError(
                    f"a token is only sent over TLS, and {target} is another machine",
                    advice=f"name the file of the authority of its certificate: lw --ca FILE, or {CA_VARIABLE}",
                )
            return None
        credentials = grpc.ssl_channel_credentials(
            None if self.ca == SYSTEM else _read(CA_VARIABLE, self.ca),
            _read(KEY_VARIABLE, self.key) if self.key else None,
            _read(CERTIFICATE_VARIABLE, self.certificate) if self.certificate else None,
        )
        if not self._has_token:
            return credentials
        token = grpc.metadata_call_credentials(_TokenPlugin(self._shown_token))
        return grpc.composite_channel_credentials(credentials, token)

    def _shown_token(self) -> str:
        """Return the token; one in a file may be another one at the next call. Raises ConfigurationError."""
        if not self.token_file:
            return self.token
        if self.token:
            raise ConfigurationError(f"{TOKEN_VARIABLE} and {TOKEN_FILE_VARIABLE} are both set", advice="set one")
        token = _read(TOKEN_FILE_VARIABLE, self.token_file).decode(errors="replace").strip()
        if not token.isascii() or not token.isprintable() or not token:
            raise ConfigurationError(f"{TOKEN_FILE_VARIABLE}: {self.token_file} holds no token")
        return token


class _TokenPlugin(grpc.AuthMetadataPlugin):
    """Shows the token over TLS."""

    def __init__(self, token: Callable[[], str]) -> None:
        self._token = token

    @override
    def __call__(self, context: grpc.AuthMetadataContext, callback: grpc.AuthMetadataPluginCallback) -> None:
        try:
            callback(_metadata(self._token()), None)
        except ConfigurationError as error:
            callback((), error)


class _CallDetails(grpc.ClientCallDetails):
    """Details of a call with the token among its metadata."""

    def __init__(self, details: Any, token: str) -> None:
        self.method = details.method
        self.timeout = details.timeout
        self.metadata = (*(details.metadata or ()), *_metadata(token))
        self.credentials = details.credentials
        self.wait_for_ready = details.wait_for_ready
        self.compression = getattr(details, "compression", None)


class _TokenInterceptor(
    grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor, grpc.StreamStreamClientInterceptor
):
    """Shows the token to a server on this machine, without TLS: gRPC's own call credentials refuse that."""

    def __init__(self, token: Callable[[], str]) -> None:
        self._token = token

    @override
    def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return continuation(_CallDetails(client_call_details, self._token()), request)

    @override
    def intercept_unary_stream(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return continuation(_CallDetails(client_call_details, self._token()), request)

    @override
    def intercept_stream_stream(self, continuation: Any, client_call_details: Any, request_iterator: Any) -> Any:
        return continuation(_CallDetails(client_call_details, self._token()), request_iterator)


def _aio_interceptors(token: Callable[[], str]) -> list[grpc.aio.ClientInterceptor]:
    async def intercept(_: Any, continuation: Any, details: Any, request: Any) -> Any:
        metadata = grpc.aio.Metadata(*(details.metadata or ()), *_metadata(token()))
        shown = grpc.aio.ClientCallDetails(
            details.method, details.timeout, metadata, details.credentials, details.wait_for_ready
        )
        return await continuation(shown, request)

    # gRPC takes an interceptor of several kinds for one of the first only.
    unary = type("_Unary", (grpc.aio.UnaryUnaryClientInterceptor,), {"intercept_unary_unary": intercept})
    answers = type("_Answers", (grpc.aio.UnaryStreamClientInterceptor,), {"intercept_unary_stream": intercept})
    both = type("_Both", (grpc.aio.StreamStreamClientInterceptor,), {"intercept_stream_stream": intercept})
    return [unary(), answers(), both()]


def _metadata(token: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {token}"),)


def _read(variable: str, path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{variable}: {path} cannot be read: {error.strerror}") from None
