"""Synthesis through a proxy that spoils the answers of a real LLM: ``python -m bench.faulty_endpoint``.

Stands in front of OPENAI_BASE_URL and refuses, cuts, garbles and delays a third of the requests. The run must end with
a version, and the ledger must say what the proxy counted. Does nothing where no endpoint is named.
"""

from __future__ import annotations

import http.client
import itertools
import json
import os
import socket
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from labelwright.core.row import parse_rows
from labelwright.sandbox import Sandbox
from labelwright.synthesis.app import open_provider, read_gold, read_task
from labelwright.synthesis.combining.run import run_synthesis
from labelwright.synthesis.combining.version import VersionOptions
from labelwright.synthesis.llm.ledger import AttemptOutcome, Ledger
from labelwright.synthesis.rows import Rows, records_of
from labelwright.synthesis.settings import SynthesisSettings, read_settings
from labelwright.synthesis.writing.round import WritingOptions

SPAM = Path(__file__).parent.parent / "examples" / "spam"
SILENCE_SECONDS = 60.0
REFUSED = ("rate", "error")
FAULTS = ("rate", "", "", "cut", "", "", "error", "", "", "html", "", "", "truncated", "", "")
"""What becomes of each request, in turn; a hang comes once, since it costs the client's whole patience."""
HANG_AT = 7
TRUNCATED = b'data: {"id": "1", "choices": [{"index": 0, "del\n\n'


class Proxy:
    """Counts what it did. ``answered`` are tokens in and out of the answers that went through whole."""

    def __init__(self, upstream: str) -> None:
        self.upstream = urlsplit(upstream)
        self.done: Counter[str] = Counter()
        self.answered: list[tuple[int, int]] = []
        self.url = ""
        self._numbers = itertools.count()
        self._lock = threading.Lock()

    def next_fault(self) -> str:
        """Return the fate of the next request, "" for a good one."""
        with self._lock:
            number = next(self._numbers)
            fault = "hang" if number == HANG_AT else FAULTS[number % len(FAULTS)]
            self.done[fault or "forwarded"] += 1
            return fault


def handler(proxy: Proxy) -> type[BaseHTTPRequestHandler]:
    """Return the class that answers requests for ``proxy``."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            fault = proxy.next_fault()
            self.close_connection = True
            with suppress(BrokenPipeError, ConnectionResetError):
                if fault == "rate":
                    self._begin(429, "application/json", {"Retry-After": "1"})
                elif fault == "error":
                    self._begin(500, "application/json")
                elif fault == "html":
                    self._begin(200, "text/html")
                    self.wfile.write(b"<html>Sign in to the network</html>")
                else:
                    self._forward(body, fault)

        def log_message(self, *_: object) -> None:
            pass

        def _forward(self, body: bytes, fault: str) -> None:
            host, port = proxy.upstream.hostname or "", proxy.upstream.port
            kind = http.client.HTTPSConnection if proxy.upstream.scheme == "https" else http.client.HTTPConnection
            upstream = kind(host, port, timeout=300)
            headers = {"Content-Type": "application/json", "Authorization": self.headers["authorization"]}
            try:
                upstream.request("POST", f"{proxy.upstream.path}/chat/completions", body, headers)
                answer = upstream.getresponse()
                self._begin(answer.status, answer.headers["content-type"])
                self._relay(answer, fault)
            finally:
                upstream.close()

        def _relay(self, answer: http.client.HTTPResponse, fault: str) -> None:
            usage: dict[str, int] = {}
            heard = True
            for events, line in enumerate(answer):
                with suppress(ValueError):
                    usage = json.loads(line.removeprefix(b"data: ")).get("usage") or usage
                if heard and fault and events == 2:
                    self._spoil(line, fault)
                    heard = False
                # What nobody hears any more is read to its end: it is paid for, and small servers take a cut badly.
                heard = heard and self._pass_on(line)
            if heard:
                proxy.answered.append((usage.get("prompt_tokens", 0), usage.get("completion_tokens", 0)))

        def _pass_on(self, line: bytes) -> bool:
            try:
                self.wfile.write(line)
                self.wfile.flush()
            except (BrokenPipeError, ConnectionResetError):
                return False
            return True

        def _spoil(self, line: bytes, fault: str) -> None:
            if fault == "hang":
                time.sleep(SILENCE_SECONDS + 2)
                return
            self._pass_on(TRUNCATED if fault == "truncated" else line[: len(line) // 2])
            with suppress(OSError):
                self.connection.shutdown(socket.SHUT_WR)

        def _begin(self, status: int, content_type: str, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for name, value in {"Content-Type": content_type, "Connection": "close", **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()

    return Handler


@contextmanager
def running(proxy: Proxy) -> Iterator[None]:
    """Serve on a free port of this machine while the block runs."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(proxy))
    server.daemon_threads = True
    proxy.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def synthesize_through(proxy: Proxy, settings: SynthesisSettings, folder: Path) -> tuple[Ledger, int]:
    """Return the ledger of a small run, and how many programs its version has."""
    task = read_task(SPAM / "bundle")
    rows, _ = parse_rows(task, (SPAM / "unlabeled.jsonl").read_text(encoding="utf-8"), "unlabeled.jsonl", labeled=False)
    gold = read_gold(task, SPAM / "bundle" / "gold.jsonl")[:16]
    spoiled = settings.model_copy(
        update={"base_url": proxy.url, "silence_seconds": SILENCE_SECONDS, "longest_wait_seconds": 2.0}
    )
    provider = open_provider(spoiled, replies=folder / "replies.jsonl")
    wanted = WritingOptions(programs=3, strategies=("words_seen", "plain", "words_missed"))
    with Sandbox() as sandbox:
        outcome = run_synthesis(
            Rows(task, records_of(rows), gold),
            provider,
            sandbox,
            wanted,
            VersionOptions(direct_labels=10),
            lambda *_: None,
        )
    return provider.ledger, len(outcome.version.bundle.programs)


def compare(proxy: Proxy, ledger: Ledger) -> bool:
    """Print both accounts; return whether they say the same."""
    outcomes = Counter(entry.outcome for entry in ledger.entries)
    answered = [entry.usage for entry in ledger.entries if entry.outcome is AttemptOutcome.ANSWERED]
    paid = Counter((usage.tokens_in, usage.tokens_out) for usage in answered)
    # An answer that repeats itself is cut by the client; its last pieces may be on the way already.
    loops = sum(entry.detail == "loop" for entry in ledger.entries)
    unheard = Counter(proxy.answered) - paid
    refused = sum(proxy.done[fault] for fault in REFUSED)
    total_in, total_out = (sum(count * pair[place] for pair, count in paid.items()) for place in (0, 1))
    print(f"requests: {proxy.done.total()} at the proxy, {len(ledger.entries)} in the ledger; {dict(proxy.done)}")
    print(f"answered: {len(proxy.answered)} went through, {len(answered)} in the ledger, {loops} cut as loops")
    counted = not paid - Counter(proxy.answered)
    print(f"tokens of answers in the ledger: {total_in:,} in, {total_out:,} out; each counted by the proxy: {counted}")
    print(f"refused: {refused} by the proxy, {outcomes[AttemptOutcome.REFUSED]} in the ledger")
    uncertain = ledger.uncertain()
    print(
        f"uncertain: {uncertain.calls} in the ledger, {uncertain.tokens_in + uncertain.tokens_out:,} tokens estimated"
    )
    return (
        proxy.done.total() == len(ledger.entries)
        and counted
        and unheard.total() <= loops
        and refused == outcomes[AttemptOutcome.REFUSED]
    )


def main() -> int:
    """Run, print, and return 1 where the accounts differ."""
    if not os.environ.get("OPENAI_BASE_URL"):
        print("no endpoint is named: set OPENAI_BASE_URL and LABELWRIGHT_SYNTHESIS_MODEL")
        return 0
    settings = read_settings()
    proxy = Proxy(settings.base_url)
    with tempfile.TemporaryDirectory() as folder, running(proxy):
        ledger, programs = synthesize_through(proxy, settings, Path(folder))
    print(f"the version has {programs} programs")
    same = compare(proxy, ledger)
    print("ledger and proxy say the same" if same else "ledger and proxy DIFFER")
    return 0 if same and programs else 1


if __name__ == "__main__":
    sys.exit(main())
