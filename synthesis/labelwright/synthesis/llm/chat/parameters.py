"""The parameters of a request, and what of them an endpoint has turned out not to know."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from typing import Any

from labelwright.synthesis.llm.chat.refusal import Refusal
from labelwright.synthesis.llm.completion import Request

# What may be left out, first what is missed least; an answer is complete without any of it.
_OPTIONAL = ("stream_options", "logprobs", "seed", "stop", "temperature", "stream")
_LIMIT, _NEW_LIMIT = "max_tokens", "max_completion_tokens"
_STATUSES = (400, 422)
_LIMITS = re.compile(r"too (?:large|big|high|many)|at most|less than|exceed|maximum|between", re.IGNORECASE)
_UNKNOWN = re.compile(
    r"unsupported|not (?:supported|permitted|allowed|recognized)|unknown|unrecognized|unexpected|extra|instead",
    re.IGNORECASE,
)
# Refusals that are about the conversation, the model or the account.
_OTHER_MATTERS = re.compile(
    r"context (?:length|window|size)|too many (?:input )?tokens|prompt is too long"
    r"|max_tokens.{0,20}too (?:large|high|big)|content[ _](?:filter|policy|management)|api[ _]key|quota|billing|credit"
    r"|model_not_found|model .{0,60}(?:not (?:found|exist)|does not exist)",
    re.IGNORECASE,
)


class Parameters:
    """What to send to one endpoint. Safe to use from several threads."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._left_out: set[str] = set()
        self._tried: list[str] = []
        """What is left out on trial: the endpoint refused a request without saying what it does not know."""
        self._in_vain = False
        self._accepted: set[frozenset[str]] = set()
        self._limit = _LIMIT
        self._lock = threading.Lock()

    def of(self, request: Request) -> dict[str, Any]:
        """Return the parameters of the request, without what the endpoint does not know."""
        parameters: dict[str, Any] = {
            "model": self._model,
            "messages": [{"role": message.role, "content": message.content} for message in request.messages],
            "stream": True,
            "stream_options": {"include_usage": True},
            "temperature": request.temperature,
            "seed": request.seed,
            self._limit: request.max_tokens,
        }
        if request.stop:
            parameters["stop"] = list(request.stop)
        if request.alternatives:
            parameters |= {"logprobs": True, "top_logprobs": request.alternatives}
        return {name: _sendable(value) for name, value in parameters.items() if name not in self._left_out}

    def accept(self, sent: Mapping[str, Any]) -> None:
        """Note that the endpoint took these: a later refusal of as many is about something else."""
        with self._lock:
            self._accepted.add(frozenset(sent))
            self._tried.clear()
            self._in_vain = False

    def leave_out(self, name: str) -> None:
        """Leave the parameter out from now on, and what makes no sense without it."""
        self._left_out |= {"logprobs", "top_logprobs"} if "logprobs" in name else {name}
        if name == "stream":
            self._left_out.add("stream_options")

    def adapt(self, refusal: Refusal, sent: Mapping[str, Any]) -> bool:
        """Leave out or rename what the endpoint refused; return whether it is worth asking again.

        What it names is left out for good. Where it names nothing, and never took these parameters, one after the other
        is left out on trial; where that does not help, all of them come back.
        """
        if refusal.status not in _STATUSES:
            return False
        with self._lock:
            if self._left_out & set(sent) or (_LIMIT in sent and self._limit != _LIMIT):
                return True  # another thread has learned it meanwhile
            name = _named(refusal, sent)
            if name == _LIMIT and self._limit == _LIMIT:
                self._limit = _NEW_LIMIT
                return True
            if name:
                self.leave_out(name)
                return True
            return self._try_without(refusal, sent)

    def _try_without(self, refusal: Refusal, sent: Mapping[str, Any]) -> bool:
        is_other_matter = refusal.parameter in ("model", "messages", _LIMIT) or _OTHER_MATTERS.search(
            f"{refusal.code} {refusal.message}"
        )
        if is_other_matter or self._in_vain or frozenset(sent) in self._accepted:
            self._restore()
            return False
        name = next((name for name in _OPTIONAL if name in sent and name not in self._left_out), None)
        if name is not None:
            self._tried += {name} - self._left_out
            self.leave_out(name)
        elif self._limit == _LIMIT:
            self._tried.append(_LIMIT)
            self._limit = _NEW_LIMIT
        else:
            self._in_vain = True
            self._restore()
            return False
        return True

    def _restore(self) -> None:
        for name in self._tried:
            if name == _LIMIT:
                self._limit = _LIMIT
            self._left_out -= {"logprobs", "top_logprobs"} if "logprobs" in name else {name}
        self._tried.clear()


def _named(refusal: Refusal, sent: Mapping[str, Any]) -> str:
    """Return the parameter that may go and that the refusal names, by itself or in its message; empty for none."""
    if refusal.parameter in (*_OPTIONAL, "top_logprobs") and refusal.parameter in sent:
        return refusal.parameter
    if refusal.parameter == _LIMIT or (not refusal.parameter and _names(refusal.message, _LIMIT)):
        is_too_large = _LIMITS.search(refusal.message) and not _UNKNOWN.search(refusal.message)
        return "" if is_too_large or _LIMIT not in sent else _LIMIT
    if refusal.parameter in ("model", "messages"):
        return ""
    places = {name: _names(refusal.message, name) for name in (*_OPTIONAL, "top_logprobs") if name in sent}
    return min((name for name, place in places.items() if place), key=lambda name: places[name], default="")


def _names(message: str, name: str) -> int:
    """Return where the message names the parameter, counted from 1; 0 where it does not.

    "stop" and "stream" are also words: they count between quotes, or where they are called parameters.
    """
    word = rf"(?<![\w-]){name}(?![\w-])"
    if name in ("stop", "stream"):
        word = rf"[\"'`]{name}[\"'`]|parameters?:? {name}\b|\b{name} (?:parameter|sequence|is not|=)|{name}ing is not"
    match = re.search(word, message, re.IGNORECASE)
    return match.start() + 1 if match else 0


def _sendable(value: Any) -> Any:
    """Return the value with a replacement for half a surrogate pair: JSON in UTF-8 cannot hold one."""
    if isinstance(value, list):
        return [_sendable(item) for item in value]
    if isinstance(value, dict):
        return {name: _sendable(item) for name, item in value.items()}
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if isinstance(value, str) else value
