"""A real HTTP server that speaks chat completions, and on request fails in all the ways that real ones do."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.parts.http_server import http_server

Answer = Callable[[dict[str, Any]], str]


@dataclass(frozen=True)
class Sent:
    """An answer to the letter: status, headers and body."""

    body: bytes
    status: int = 200
    content_type: str = "text/event-stream"
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def json(cls, document: Any, status: int = 200, **headers: str) -> Sent:
        return cls(json.dumps(document).encode(), status, "application/json", headers)

    @classmethod
    def events(cls, *documents: Any, done: bool = True) -> Sent:
        """Return a stream of these documents."""
        lines = [f"data: {json.dumps(document)}\n\n" for document in documents]
        return cls("".join([*lines, "data: [DONE]\n\n" if done else ""]).encode())

    @classmethod
    def text(cls, text: str, finish: Any = "stop", usage: Any = None) -> Sent:
        """Return a stream that says the text and ends for this reason."""
        pieces = [text[at : at + 7] for at in range(0, len(text), 7)]
        chunks = [{"choices": [{"index": 0, "delta": {"content": piece}}]} for piece in pieces]
        end: dict[str, Any] = {"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]}
        return cls.events(*chunks, end | ({"usage": usage} if usage is not None else {}))


class FaultyEndpoint:
    """Counts what it served.

    ``script`` holds a fault by name, or an answer, for each of the next requests, "" for none; then all go well.
    ``refuses`` is asked about each request before that: an answer where it refuses it, None where not.
    """

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.script: list[str | Sent] = []
        self.refuses: Callable[[dict[str, Any]], Sent | None] = lambda body: None
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.served = 0
        self.broken = 0
        self.refused = 0
        self.tokens_in = 0
        self.tokens_out = 0
        self.url = ""
        self._lock = threading.Lock()

    def take(self, body: dict[str, Any], headers: dict[str, str]) -> str | Sent:
        with self._lock:
            self.requests.append(body)
            self.headers.append(headers)
            refusal = self.refuses(body)
            return refusal or (self.script.pop(0) if self.script else "")

    def charge(self, tokens_in: int, tokens_out: int) -> None:
        with self._lock:
            self.served += 1
            self.tokens_in += tokens_in
            self.tokens_out += tokens_out


@contextmanager
def running(answer: Answer) -> Iterator[FaultyEndpoint]:
    endpoint = FaultyEndpoint(answer)
    with http_server(_handler(endpoint)) as url:
        endpoint.url = f"{url}/v1"
        yield endpoint


def _handler(endpoint: FaultyEndpoint) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            fault = endpoint.take(body, dict(self.headers))
            with suppress(BrokenPipeError, ConnectionResetError):
                if isinstance(fault, Sent):
                    self._begin(fault.status, {"Content-Type": fault.content_type, **fault.headers})
                    self.wfile.write(fault.body)
                else:
                    getattr(self, f"_{fault or 'well'}")(body)

        def log_message(self, *args: Any) -> None:
            pass

        def _well(self, body: dict[str, Any]) -> None:
            self._begin_stream()
            text = endpoint.answer(body)
            pieces = [text[at : at + 4] for at in range(0, len(text), 4)]
            for piece in pieces:
                self._event({"choices": [{"index": 0, "delta": {"content": piece}}]})
            self._event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
            tokens_in = sum(len(message["content"]) // 4 for message in body["messages"])
            usage = {"prompt_tokens": tokens_in, "completion_tokens": len(pieces), "total_tokens": 0}
            self._event({"choices": [], "usage": usage})
            self.wfile.write(b"data: [DONE]\n\n")
            endpoint.charge(tokens_in, len(pieces))

        def _rate(self, body: dict[str, Any]) -> None:
            self._refuse(429, {"Retry-After": "7"})

        def _error(self, body: dict[str, Any]) -> None:
            self._refuse(500)

        def _unauthorized(self, body: dict[str, Any]) -> None:
            self._refuse(401)

        def _no_seed(self, body: dict[str, Any]) -> None:
            self._refuse(400, parameter="seed")

        def _no_max_tokens(self, body: dict[str, Any]) -> None:
            self._refuse(400, parameter="max_tokens")

        def _hang(self, body: dict[str, Any]) -> None:
            endpoint.broken += 1
            self._begin_stream()
            self._event({"choices": [{"index": 0, "delta": {"content": "wait"}}]})
            time.sleep(2)

        def _cut(self, body: dict[str, Any]) -> None:
            endpoint.broken += 1
            self._begin_stream()
            self._event({"choices": [{"index": 0, "delta": {"content": "half an ans"}}]})

        def _truncated(self, body: dict[str, Any]) -> None:
            endpoint.broken += 1
            self._begin_stream()
            self.wfile.write(b'data: {"id": "1", "choices": [{"index": 0, "del\n\n')

        def _garbage(self, body: dict[str, Any]) -> None:
            endpoint.broken += 1
            self._begin_stream()
            self._event([1, 2, 3])
            self._event({"choices": "none"})

        def _html(self, body: dict[str, Any]) -> None:
            endpoint.broken += 1
            self._begin(200, {"Content-Type": "text/html"})
            self.wfile.write(b"<html>Sign in to the network</html>")

        def _empty(self, body: dict[str, Any]) -> None:
            endpoint.broken += 1
            self._begin_stream()
            self._event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
            self.wfile.write(b"data: [DONE]\n\n")

        def _filtered(self, body: dict[str, Any]) -> None:
            endpoint.broken += 1
            self._begin_stream()
            self._event({"choices": [{"index": 0, "delta": {}, "finish_reason": "content_filter"}]})
            self.wfile.write(b"data: [DONE]\n\n")

        def _loop(self, body: dict[str, Any]) -> None:
            endpoint.broken += 1
            self._begin_stream()
            for _ in range(4000):
                self._event({"choices": [{"index": 0, "delta": {"content": '"free", '}}]})

        def _begin_stream(self) -> None:
            self._begin(200, {"Content-Type": "text/event-stream"})

        def _begin(self, status: int, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in {**headers, "Connection": "close"}.items():
                self.send_header(name, value)
            self.end_headers()
            self.close_connection = True

        def _event(self, document: Any) -> None:
            if isinstance(document, dict):
                document = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", **document}
            self.wfile.write(f"data: {json.dumps(document)}\n\n".encode())
            self.wfile.flush()

        def _refuse(self, status: int, headers: dict[str, str] | None = None, parameter: str = "") -> None:
            endpoint.refused += 1
            self._begin(status, {"Content-Type": "application/json", **(headers or {})})
            error = {"message": f"refused: {self.headers['authorization']}", "param": parameter or None, "code": "x"}
            self.wfile.write(json.dumps({"error": error}).encode())

    return Handler
