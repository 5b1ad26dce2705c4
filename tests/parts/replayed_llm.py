"""An endpoint of OpenAI's chat completions that says what a real model said: replies that were recorded, over HTTP.

Where it is given a live endpoint, it passes on what it does not know yet and keeps the answer: that is how the replies
are recorded, and how the same test runs with the real model.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from difflib import SequenceMatcher
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from labelwright.core.errors import LabelwrightError
from labelwright.synthesis.llm.completion import Finish, Message, Reply, Request
from labelwright.synthesis.llm.openai_endpoint import OpenAIEndpoint
from labelwright.synthesis.llm.replies import Replies, reply_from_json

from tests.parts.http_server import http_server

_FINISHES = {Finish.LENGTH: "length", Finish.FILTERED: "content_filter"}


class ReplayedLlm:
    """Counts what it answered, as a provider would for its bill.

    A request for a program that is not recorded gets the reply to the recorded one that is most like it, for prompts
    may quote records that were drawn; ``borrowed`` holds these. A label is only given where just that was asked for;
    else the request is refused with status 400 and put into ``unknown``.
    """

    def __init__(self, path: Path, live: str = "", note: str = "") -> None:
        """Open the recorded replies; ``live`` is the base URL of an endpoint that answers what is not there yet."""
        self.path = path
        self.url = ""
        self.calls = 0
        self.tokens_in = 0
        self.tokens_out = 0
        self.borrowed: list[str] = []
        self.unknown: list[str] = []
        self._lock = threading.Lock()
        self._replies = Replies(path, model="" if path.exists() else "qwen2.5-coder-1.5b-instruct", note=note)
        self.model = self._replies.model
        self._live = OpenAIEndpoint(self.model, api_key="none", base_url=live) if live else None
        self._programs = [] if live else _read_programs(path)

    def answer(self, request: Request) -> Reply | None:
        """Return the reply, None where there is none."""
        with self._lock:  # one after the other, as a small machine would
            reply = self._find(request)
            if reply is None:
                self.unknown.append(request.messages[-1].content)
                return None
            self.calls += 1
            self.tokens_in += reply.usage.tokens_in
            self.tokens_out += reply.usage.tokens_out
            return reply

    def _find(self, request: Request) -> Reply | None:
        kept = self._replies.get(request)
        if kept is not None:
            return kept
        if self._live is not None:
            with suppress(LabelwrightError):
                reply = self._live.ask(request)
                self._replies.keep(request, reply)
                return reply
            return None
        if request.alternatives or not self._programs:  # only labels are asked for with alternatives
            return None
        self.borrowed.append(request.messages[-1].content)
        return max(self._programs, key=lambda item: _alike(item[0], request))[1]


@contextmanager
def replayed_llm(path: Path, live: str = "", note: str = "") -> Iterator[ReplayedLlm]:
    """Serve it on a free loopback port."""
    llm = ReplayedLlm(path, live, note)
    with http_server(_handler(llm)) as url:
        llm.url = f"{url}/v1"
        yield llm


def _read_programs(path: Path) -> list[tuple[Request, Reply]]:
    """Return what was asked for programs, and answered."""
    entries = [json.loads(line) for line in path.read_text().splitlines()[1:]]
    return [
        (_request(entry["request"]), reply_from_json(entry["reply"]))
        for entry in entries
        if not entry["request"]["alternatives"]
    ]


def _alike(one: Request, other: Request) -> float:
    """Return how much two requests have in common, 0 to 1: what they ask for, and in so many turns."""
    asked = SequenceMatcher(None, one.messages[-1].content, other.messages[-1].content, autojunk=False).ratio()
    return asked if len(one.messages) == len(other.messages) else asked / 2


def _request(entry: dict[str, Any]) -> Request:
    messages = tuple(Message(message["role"], message["content"]) for message in entry["messages"])
    return Request(
        messages,
        entry["max_tokens"],
        entry["temperature"],
        entry["seed"],
        tuple(entry.get("stop", ())),
        entry.get("alternatives", 0),
    )


def _handler(llm: ReplayedLlm) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            reply = llm.answer(_request({**body, "alternatives": body.get("top_logprobs", 0)}))
            with suppress(BrokenPipeError, ConnectionResetError):
                if reply is None:
                    self._refuse()
                else:
                    self._stream(reply)

        def log_message(self, *args: Any) -> None:
            pass

        def _stream(self, reply: Reply) -> None:
            self._begin(200, "text/event-stream")
            alternatives = [{"token": token, "logprob": score} for token, score in reply.alternatives.items()]
            logprobs = {"content": [{"token": "", "logprob": 0.0, "top_logprobs": alternatives}]}
            first = {"index": 0, "delta": {"content": reply.text}, "logprobs": logprobs if alternatives else None}
            self._event({"choices": [first]})
            self._event({"choices": [{"index": 0, "delta": {}, "finish_reason": _FINISHES.get(reply.finish, "stop")}]})
            spent = reply.usage
            usage = {"prompt_tokens": spent.tokens_in, "completion_tokens": spent.tokens_out, "total_tokens": 0}
            self._event({"choices": [], "usage": usage})
            self.wfile.write(b"data: [DONE]\n\n")

        def _refuse(self) -> None:
            self._begin(400, "application/json")
            self.wfile.write(json.dumps({"error": {"message": "not recorded", "param": None, "code": "x"}}).encode())

        def _begin(self, status: int, content_type: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Connection", "close")
            self.end_headers()
            self.close_connection = True

        def _event(self, document: dict[str, Any]) -> None:
            whole = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": llm.model, **document}
            self.wfile.write(f"data: {json.dumps(whole)}\n\n".encode())
            self.wfile.flush()

    return Handler
