"""Replies kept by the digest of their request: nothing is paid for twice, and real replies can be replayed anywhere.

A file of JSON Lines. The first line says what it holds, each further line is one reply. It is only ever appended to,
one whole line at a write, so an interrupted run loses at most the reply under way; a torn last line is left out.
"""

from __future__ import annotations

import json
import os
import threading
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from labelwright.core.errors import ConfigurationError
from labelwright.synthesis.llm.completion import Finish, Reply, Request, Usage

FORMAT = "labelwright replies 1"


class Replies:
    """The replies of one model that a file holds. Safe to use from several threads."""

    def __init__(self, path: Path, *, model: str = "", note: str = "") -> None:
        """Open the file, or begin it for ``model``; ``note`` is kept in its first line, for people.

        Raises ConfigurationError where the file does not hold replies, or those of another model.
        """
        self._path = path
        self._lock = threading.Lock()
        self._replies: dict[str, Reply] = {}
        if path.exists():
            self.model = self._read()
            if model and model != self.model:
                raise ConfigurationError(
                    f"{path} holds replies of {self.model!r}, not of {model!r}", advice="name another file"
                )
        else:
            self.model = model
            self._begin(note)

    def __len__(self) -> int:
        return len(self._replies)

    def get(self, request: Request) -> Reply | None:
        """Return the kept reply to the request, or None."""
        return self._replies.get(request.digest(self.model))

    def keep(self, request: Request, reply: Reply) -> None:
        """Keep the reply. An earlier one to the same request stays the one that is replayed."""
        digest = request.digest(self.model)
        with self._lock:
            if digest not in self._replies:
                self._replies[digest] = reply
                self._append({"digest": digest, "request": asdict(request), "reply": reply_to_json(reply)})

    def _begin(self, note: str) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        today = datetime.now(UTC).date().isoformat()
        self._append({"format": FORMAT, "model": self.model, "recorded": today, "note": note})

    def _append(self, line: dict[str, Any]) -> None:
        # Requests quote records: the file is for its owner alone.
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "ab") as file:
            file.write(json.dumps(line, ensure_ascii=True).encode() + b"\n")

    def _read(self) -> str:
        lines = self._path.read_bytes().split(b"\n")
        try:
            header = json.loads(lines[0])
            format_, model = header["format"], str(header["model"])
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ConfigurationError(f"{self._path} is not a file of replies") from error
        if format_ != FORMAT:
            raise ConfigurationError(f"{self._path} has the format {ascii(format_)[:40]}, not {FORMAT!r}")
        whole, torn = lines[1:-1], lines[-1]
        for number, line in enumerate(whole, start=2):
            self._read_reply(line, number)
        if torn:
            # The next reply begins on a line of its own, so that it is not lost with the torn one.
            with self._path.open("ab") as file:
                file.write(b"\n")
        return model

    def _read_reply(self, line: bytes, number: int) -> None:
        try:
            entry = json.loads(line)
            self._replies.setdefault(entry["digest"], reply_from_json(entry["reply"]))
        except ValueError:
            return  # torn by an interruption
        except (KeyError, TypeError, RecursionError) as error:
            raise ConfigurationError(f"{self._path}:{number} is not a reply") from error


def reply_to_json(reply: Reply) -> dict[str, Any]:
    """Return the reply as JSON's types."""
    entry: dict[str, Any] = {
        "text": reply.raw,
        "finish": reply.finish.value,
        "usage": asdict(reply.usage),
        "alternatives": dict(reply.alternatives),
    }
    return entry | {"ended": reply.ended} if reply.ended else entry


def reply_from_json(entry: dict[str, Any]) -> Reply:
    """Return the reply. Raises KeyError, TypeError or ValueError where ``entry`` does not hold one."""
    text, usage = str(entry["text"]), Usage(**entry["usage"])
    return Reply(text, Finish(entry["finish"]), usage, entry.get("alternatives", {}), entry.get("ended", ""))
