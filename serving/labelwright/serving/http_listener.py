"""A small HTTP server for machines: metrics, health, the webhook. Bounded bodies, short time-outs, no stack traces."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import structlog
from labelwright.core.errors import ConfigurationError

MAX_BODY = 1 << 20
"""Bytes."""
_MOST_DISCARDED = 8 << 20
"""Bytes of a body that is too large that are read on for politeness."""
_TIMEOUT_SECONDS = 10.0
_POLL_SECONDS = 0.2

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a route gives back."""

    status: int
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"


Route = Callable[[bytes], Answer]
"""Takes the request's body."""


class HttpListener:
    """Serves routes by method and path. ``setting`` is the variable that names the address, for errors."""

    def __init__(self, address: str, setting: str, routes: Mapping[tuple[str, str], Route]) -> None:
        """Listen. Raises ConfigurationError where the address cannot be had."""
        host, _, port = address.rpartition(":")
        try:
            self._server = ThreadingHTTPServer((host.strip("[]"), int(port)), _handler(routes))
        except OSError as error:
            raise ConfigurationError(
                f"{setting}: cannot listen on {address}: {error.strerror or error}",
                advice="stop what has the port, or choose another; port 0 takes a free one",
            ) from None
        self._server.daemon_threads = True
        self.address = f"{host}:{self._server.server_port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": _POLL_SECONDS}, name="http", daemon=True
        )

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def stop(self) -> None:
        """Stop serving."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()


def _handler(routes: Mapping[tuple[str, str], Route]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = _TIMEOUT_SECONDS
        server_version = "labelwright"
        sys_version = ""

        def do_GET(self) -> None:
            self._serve(b"")

        def do_POST(self) -> None:
            length = self.headers.get("content-length", "")
            if not length.isdecimal():
                self._send(Answer(411, b"a length is needed\n"))
            elif int(length) > MAX_BODY:
                self._send(Answer(413, f"at most {MAX_BODY:,} bytes\n".encode()))
                self._discard(min(int(length), _MOST_DISCARDED))
            else:
                self._serve(self.rfile.read(int(length)))

        def log_message(self, *_: object) -> None:
            """Say nothing: a scrape every few seconds is no news."""

        def _serve(self, body: bytes) -> None:
            path = self.path.partition("?")[0]
            route = routes.get((self.command, path))
            if route is None:
                known = any(path == there for _, there in routes)
                self._send(Answer(405 if known else 404, b"there is nothing here\n"))
                return
            try:
                answer = route(body)
            except Exception as error:
                _log.error("a request failed", path=path, error=type(error).__name__)
                answer = Answer(500, b"failed\n")
            self._send(answer)

        def _discard(self, size: int) -> None:
            """Read on: a client that is still sending when the connection closes never sees why it was refused."""
            with contextlib.suppress(OSError):
                while size > 0 and (chunk := self.rfile.read(min(size, 1 << 16))):
                    size -= len(chunk)

        def _send(self, answer: Answer) -> None:
            self.close_connection = True
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(answer.body)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(answer.body)

    return Handler
