"""An HTTP proxy that remembers what it was asked for, and leads nowhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from tests.parts.http_server import http_server


@dataclass
class RecordingProxy:
    """``asked`` are method and target of each request: ``GET http://host/path``, ``CONNECT host:port``."""

    url: str = ""
    asked: list[str] = field(default_factory=list)

    def variables(self, spelled: Callable[[str], str] = str.lower) -> dict[str, str]:
        """Return the variables that name it to all clients, spelled in small or in capital letters."""
        return {spelled(name): self.url for name in ("http_proxy", "https_proxy", "all_proxy")}


@contextmanager
def recording_proxy(answer: bytes | None = None) -> Iterator[RecordingProxy]:
    """Yield a proxy that answers each request with this JSON, or refuses it where there is none."""
    proxy = RecordingProxy()
    with http_server(_handler(proxy, answer)) as url:
        proxy.url = url
        yield proxy


def _handler(proxy: RecordingProxy, answer: bytes | None) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _take(self) -> None:
            proxy.asked.append(f"{self.command} {self.path}")
            self.send_response(502 if answer is None else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(answer or b"")

        do_GET = do_POST = do_CONNECT = _take  # noqa: N815 - the base class calls these names

        def log_message(self, *args: object) -> None:
            pass

    return Handler
