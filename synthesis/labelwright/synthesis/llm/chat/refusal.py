"""What an endpoint says is wrong: as the body of a refusal, in place of an answer, or in the middle of one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

_MOST_CHARACTERS = 300
_SHORTEST_QUOTE = 16
"""Characters in a row that an error and a prompt share by chance at most."""
_KEYS = re.compile(r"(?i)\bbearer\s+\S+|\b(?:sk|pk|rk|key|api|org|proj)[-_][\w*.\-]{6,}|\b[\w-]*\*{3,}[\w*-]*")
_QUOTE = re.compile(r"([\"'`])")
_ELLIPSIS = "\u2026"
# Words by which endpoints say what HTTP would say with a status, most telling first.
_STATUS_WORDS = (
    (429, ("rate_limit", "too_many_requests", "quota", "billing")),
    (401, ("authentication", "api_key", "unauthorized", "unauthenticated", "invalid_key")),
    (403, ("permission", "forbidden")),
    (404, ("not_found", "does_not_exist", "no_such_model")),
    (503, ("overloaded", "unavailable", "capacity")),
    (504, ("timeout", "deadline")),
    (500, ("server_error", "internal", "api_error")),
    (400, ("invalid_request", "bad_request", "invalid_argument", "badrequest", "invalid_parameter", "validation")),
)
_EXHAUSTED = ("insufficient_quota", "billing", "credit")


@dataclass(frozen=True, slots=True)
class Refusal:
    """``status`` is that of HTTP, or what the error's own words mean in it; None where they mean nothing.

    ``message`` is the endpoint's, and can quote prompt and key: show it through ``shown``.
    """

    status: int | None
    message: str
    code: str = ""
    parameter: str = ""

    @property
    def is_final(self) -> bool:
        """Whether trying again is in vain: the request is wrong, or the account is empty."""
        if any(word in f"{self.code} {self.message}".lower() for word in _EXHAUSTED) and self.status in (402, 403, 429):
            return True
        return self.status is not None and self.status < 500 and self.status not in (408, 409, 425, 429)

    def shown(self, secrets: Sequence[str], prompts: Sequence[str]) -> str:
        """Return the message for people: short, in one line, without the key and without what the prompts say."""
        text = " ".join("".join(mark if mark.isprintable() else " " for mark in self.message).split())
        for secret in secrets:
            text = text.replace(secret, _ELLIPSIS) if secret else text
        text = _without_quotes(_KEYS.sub(_ELLIPSIS, text), "\n".join(prompts))
        return text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS].rstrip()}{_ELLIPSIS}"


def read_refusal(body: object, status: int | None = None) -> Refusal:
    """Return what a body says: an object of OpenAI's form, one of the many others, or a text."""
    error = _error(body)
    code = " ".join(str(error[name]) for name in ("code", "type", "status") if error.get(name) is not None)
    message = " ".join(_messages(error)) or (body if isinstance(body, str) else "")
    return Refusal(status or _status(error, f"{code} {message}"), message, code, _parameter(error))


def find_error(document: object) -> Refusal | None:
    """Return the error that stands in place of a chunk, None where the document is no error."""
    if not isinstance(document, Mapping):
        return None
    choices = document.get("choices")
    if isinstance(choices, list) and choices and isinstance(choices[0], Mapping) and choices[0].get("error"):
        return read_refusal(choices[0])
    if document.get("error"):
        return read_refusal(document)
    if choices or "usage" in document:
        return None
    told = any(document.get(name) for name in ("errors", "detail"))
    is_one = "error" in (document.get("object"), document.get("type")) or isinstance(document.get("message"), str)
    return read_refusal(document) if told or is_one else None


def _error(body: object) -> Mapping[str, object]:
    """Return the object that describes the error."""
    if isinstance(body, list):
        body = body[0] if body else {}
    if not isinstance(body, Mapping):
        return {}
    inner = body.get("error") or body.get("errors")
    if isinstance(inner, list) and inner:
        inner = inner[0]
    if isinstance(inner, Mapping):
        return {**{name: body[name] for name in ("detail",) if name in body}, **inner}
    return {**body, "message": inner} if isinstance(inner, str) else body


def _messages(error: Mapping[str, object]) -> Iterator[str]:
    """Yield the texts that tell the cause; a router puts that of the endpoint behind it into ``metadata``."""
    metadata = error.get("metadata")
    for value in (
        error.get("message"),
        error.get("msg"),
        metadata.get("raw") if isinstance(metadata, Mapping) else None,
    ):
        if isinstance(value, str) and value.strip():
            yield value
    detail = error.get("detail")
    if isinstance(detail, str):
        yield detail
    for item in detail if isinstance(detail, list) else []:
        if isinstance(item, Mapping):
            place = item.get("loc")
            name = ".".join(map(str, place)) if isinstance(place, list) else ""
            yield f"{name}: {item.get('msg', '')}".strip(": ")


def _parameter(error: Mapping[str, object]) -> str:
    """Return the parameter that the error names by itself, empty where it names none."""
    name = error.get("param")
    detail = error.get("detail")
    if not isinstance(name, str) and isinstance(detail, list) and detail and isinstance(detail[0], Mapping):
        place = detail[0].get("loc")
        name = next((str(part) for part in place if part != "body"), "") if isinstance(place, list) else ""
    return re.split(r"[.\[]", name)[0] if isinstance(name, str) else ""


def _status(error: Mapping[str, object], words: str) -> int | None:
    for name in ("status_code", "status", "code", "http_status"):
        value = error.get(name)
        if isinstance(value, str) and value.isdecimal():
            value = int(value[:4])
        if isinstance(value, int) and 400 <= value < 600:
            return value
    plain = re.sub(r"[\s-]+", "_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", words)).lower()
    return next((status for status, parts in _STATUS_WORDS if any(part in plain for part in parts)), None)


def _without_quotes(text: str, prompt: str) -> str:
    """Return the text without what it shares with the prompt: long runs, and whatever it puts between quotes."""
    prompt = " ".join(prompt.split())
    escaped = json.dumps(prompt)[1:-1]
    runs = {
        source[at : at + _SHORTEST_QUOTE]
        for source in (prompt, escaped)
        for at in range(len(source) - _SHORTEST_QUOTE + 1)
    }
    hidden = [False] * len(text)
    for at in range(len(text) - _SHORTEST_QUOTE + 1):
        if text[at : at + _SHORTEST_QUOTE] in runs:
            hidden[at : at + _SHORTEST_QUOTE] = [True] * _SHORTEST_QUOTE
    kept = "".join("\0" if hide else mark for hide, mark in zip(hidden, text, strict=True))
    kept = re.sub(r"\0+", _ELLIPSIS, kept)
    first, *more = _QUOTE.split(kept)
    # Which of two quotes begins is not known where apostrophes stand between them, so all that stands between two goes.
    return first + "".join(_ELLIPSIS if len(part.strip()) > 2 and part.strip() in prompt else part for part in more)
