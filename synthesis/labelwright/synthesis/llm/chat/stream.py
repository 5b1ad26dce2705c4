"""The JSON documents of a response: server-sent events, JSON lines, or one document that was not streamed at all."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

_MOST_BYTES = 16 << 20
"""Of one document."""
_DONE = "[DONE]"


def read_documents(chunks: Iterable[bytes]) -> Iterator[object]:
    """Yield the documents until the stream says that it is done. Raises ValueError for what is no JSON.

    https://html.spec.whatwg.org/multipage/server-sent-events.html. An event may be told without its blank line, and a
    document outside of any event, as an error often is; comments and other fields mean nothing here.
    """
    pending, is_event = "", False
    for line in _lines(chunks):
        if line.startswith("data:"):
            text, is_event = line.removeprefix("data:").strip(), True
        elif pending and not is_event:
            text = line
        elif pending and not line:
            raise ValueError("an event holds no JSON")
        elif line.lstrip().startswith(("{", "[")):
            text, is_event = line.strip(), False
        else:
            continue
        if text == _DONE:
            return
        pending += text
        if len(pending) > _MOST_BYTES:
            raise ValueError("a document is too long")
        if pending.rstrip().endswith(("}", "]")) and (parsed := _parsed(pending)):
            yield parsed[0]
            pending = ""
    if pending.strip():
        raise ValueError("the last document is not whole")


def _parsed(text: str) -> tuple[object] | None:
    """Return the document, None where it is not whole yet. Raises ValueError where it is nested too deeply."""
    try:
        return (json.loads(text),)
    except RecursionError:
        raise ValueError("a document is nested too deeply") from None
    except ValueError:
        return None


def _lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """Yield the lines. They end at line feeds and carriage returns only: a JSON string may hold other separators."""
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        for line in lines:
            yield line.decode("utf-8", "replace")
        if len(rest) > _MOST_BYTES:
            raise ValueError("a line is too long")
    if rest:
        yield rest.decode("utf-8", "replace")
