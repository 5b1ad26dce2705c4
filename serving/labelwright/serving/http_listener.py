"""A small HTTP server for machines: metrics, health, the webhook. Bounded bodies, short time-outs, no stack traces."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import structlog
from labelwright.serving.addresses import address_family, join_address, split_address, taken_address
from labelwright.serving.background import Background
from labelwright.serving.logs import places_of
from typing_extensions import override

MAX_BODY = 1 << 20
"""Bytes."""
_MAX_DISCARDED = 8 << 20
"""Bytes of a body that is too large that are read all the same, so that the client gets to see the refusal."""
_TIMEOUT_SECONDS = 10.0
_POLL_SECONDS = 0.2

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """What a route is asked. Names of headers are in lower case; ``query`` is what stands behind the question mark.

    ``certificate_name`` is the common name in the caller's certificate, empty where none was asked for.
    """

    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    query: str = ""
    certificate_name: str = ""


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """What a route answers. ``headers`` are those beside type, length and connection."""

    status: int
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)


TlsContext = Callable[[], ssl.SSLContext]
Route = Callable[[HttpRequest], HttpResponse]
Routes = Mapping[tuple[str, str], Route]
"""By method and path."""


class HttpListener:
    """Serves routes."""

    def __init__(self, address: str, variable: str, routes: Routes, tls: TlsContext | None = None) -> None:
        """Take the address; ``tls`` returns the context of a new connection. Raises ConfigurationError that names the
        variable where the address cannot be had.
        """
        host, port = split_address(address)
        try:
            self._server = _HttpServer(*address_family(host, port), _handler(routes), tls)
        except OSError as error:
            raise taken_address(address, variable, error) from None
        self.address = join_address(host, self._server.server_port)
        self._background = Background("http", lambda: self._server.serve_forever(_POLL_SECONDS))
        self._serves = False

    def start(self) -> None:
        """Begin to serve."""
        self._serves = True
        self._background.start()

    def stop(self) -> None:
        """Stop serving."""
        if self._serves:
            self._server.shutdown()
            self._background.stop()
        self._server.server_close()


class _HttpServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(
        self,
        family: socket.AddressFamily,
        place: tuple[str, int],
        handler: type[BaseHTTPRequestHandler],
        tls: TlsContext | None,
    ) -> None:
        self.address_family = family
        self._tls = tls
        super().__init__(place, handler)

    @override
    def get_request(self) -> tuple[socket.socket, Any]:
        connection, place = super().get_request()
        if self._tls is None:
            return connection, place
        # The handshake waits for the caller, so it is the thread of this connection that does it.
        return self._tls().wrap_socket(connection, server_side=True, do_handshake_on_connect=False), place

    @override
    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a connection that breaks, or of a handshake that fails: whoever scans ports does that."""


def _handler(routes: Routes) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = _TIMEOUT_SECONDS
        server_version = "labelwright"
        sys_version = ""

        def do_GET(self) -> None:
            self._serve(b"")

        def do_POST(self) -> None:
            length = self.headers.get("content-length", "")
            if not length.isdecimal():
                self._send(HttpResponse(411, b"a length is needed\n"))
            elif int(length) > MAX_BODY:
                self._send(HttpResponse(413, f"at most {MAX_BODY:,} bytes\n".encode()))
                self._discard(min(int(length), _MAX_DISCARDED))
            else:
                self._serve(self.rfile.read(int(length)))

        def log_message(self, *_: object) -> None:
            """Log nothing: a scrape every few seconds is no news."""

        def _serve(self, body: bytes) -> None:
            path, _, query = self.path.partition("?")
            route = routes.get((self.command, path))
            if route is None:
                exists = any(path == other for _, other in routes)
                self._send(HttpResponse(405 if exists else 404, b"there is nothing here\n"))
                return
            headers = {name.lower(): value for name, value in self.headers.items()}
            try:
                response = route(HttpRequest(body, headers, query, _certificate_name(self.connection)))
            except Exception as error:
                _log.error("a request failed", path=path, error=type(error).__name__, places=places_of(error))
                response = HttpResponse(500, b"failed\n")
            self._send(response)

        def _discard(self, size: int) -> None:
            """Read on: a client that is still sending when the connection closes never sees why it was refused."""
            with contextlib.suppress(OSError):
                while size > 0 and (chunk := self.rfile.read(min(size, 1 << 16))):
                    size -= len(chunk)

        def _send(self, response: HttpResponse) -> None:
            self.close_connection = True
            self.send_response(response.status)
            self.send_header("Content-Type", response.content_type)
            self.send_header("Content-Length", str(len(response.body)))
            self.send_header("Connection", "close")
            for name, value in response.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(response.body)

    return Handler


def _certificate_name(connection: socket.socket) -> str:
    certificate: Any = connection.getpeercert() if isinstance(connection, ssl.SSLSocket) else None
    subject = certificate.get("subject", ()) if certificate else ()
    return next((value for part in subject for name, value in part if name == "commonName"), "")
