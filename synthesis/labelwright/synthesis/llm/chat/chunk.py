"""One document of a chat completion: a chunk of a stream, or the whole. Nothing in it is taken for granted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from labelwright.synthesis.llm.completion import Finish

# Endpoints translate the reasons of the engines behind them, or do not. OpenAI's own come first.
_FINISHES = {
    **dict.fromkeys(
        ("stop", "end_turn", "stop_sequence", "stop_token", "eos", "eos_token", "complete", "completed"), Finish.STOP
    ),
    **dict.fromkeys(
        ("length", "max_tokens", "max_output_tokens", "model_length", "token_limit", "error_limit"), Finish.LENGTH
    ),
    **dict.fromkeys(
        ("content_filter", "content_filtered", "safety", "recitation", "blocklist", "prohibited_content", "spii"),
        Finish.FILTERED,
    ),
    **dict.fromkeys(("refusal", "guardrail_intervened", "sensitive", "error_toxic"), Finish.FILTERED),
}
FAILURES = frozenset(
    {"error", "abort", "aborted", "cancelled", "canceled", "timeout", "network_error", "insufficient_system_resource"}
)
"""Reasons for which an engine gave up."""
_TEXT_PARTS = (None, "text", "output_text")
_THINKING = ("reasoning_content", "reasoning", "thinking")


@dataclass(frozen=True, slots=True)
class Token:
    """A token of the answer, and the log-probabilities of the candidates for its place."""

    text: str
    alternatives: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Chunk:
    """What one document adds to the answer.

    ``finish`` is the reason as the endpoint words it, empty where it does not end. Counts of tokens are None where the
    endpoint did not tell them.
    """

    text: str = ""
    thinking: str = ""
    refusal: str = ""
    finish: str = ""
    tokens: tuple[Token, ...] = ()
    tokens_in: int | None = None
    tokens_out: int | None = None


def read_chunk(document: object) -> Chunk:
    """Return what the document adds. Raises ValueError, TypeError where it is no part of an answer."""
    if not isinstance(document, Mapping):
        raise TypeError("a chat completion is an object")
    choices = document.get("choices") or []
    if not isinstance(choices, list) or not all(isinstance(choice, Mapping) for choice in choices[:1]):
        raise ValueError("choices are a list of objects")
    choice = choices[0] if choices else {}
    said = choice.get("delta") or choice.get("message") or {}
    if not isinstance(said, Mapping):
        raise TypeError("a delta is an object")
    content = said.get("content") if said.get("content") is not None else choice.get("text")
    usage = document.get("usage") or choice.get("usage")
    return Chunk(
        text="".join(_texts(content)),
        thinking="".join(_thoughts(content))
        + "".join(text for name in _THINKING for text in _any_texts(said.get(name))),
        refusal="".join(_any_texts(said.get("refusal"))),
        finish=_reason(choice.get("finish_reason")),
        tokens=tuple(_tokens(choice.get("logprobs"))),
        tokens_in=_count(usage, "prompt_tokens", "input_tokens"),
        tokens_out=_count(usage, "completion_tokens", "output_tokens"),
    )


def read_finish(reason: str) -> Finish:
    """Return why the answer ended; a reason that is not known here may be any, so the answer counts as unfinished."""
    return _FINISHES.get(reason.lower().removeprefix("finish_reason_"), Finish.UNFINISHED)


def _reason(value: object) -> str:
    if value is None or value == "":
        return ""
    return value if isinstance(value, str) else repr(value)


def _texts(content: object) -> Iterator[str]:
    """Yield the texts of a content: a string, or a list of parts of which some are text."""
    for part in content if isinstance(content, list) else [content]:
        if isinstance(part, str):
            yield part
        elif isinstance(part, Mapping):
            if part.get("type") in _TEXT_PARTS:
                yield from _any_texts(part.get("text"))
        elif part is not None:
            raise ValueError("a content is text")


def _thoughts(content: object) -> Iterator[str]:
    """Yield the texts of the parts of a content that are thinking."""
    for part in content if isinstance(content, list) else []:
        if isinstance(part, Mapping) and part.get("type") not in _TEXT_PARTS:
            yield from (text for name in (*_THINKING, "text") for text in _any_texts(part.get(name)))


def _any_texts(value: object, depth: int = 4) -> Iterator[str]:
    """Yield the strings in a value that should be a string, or a list of parts with one each."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | Mapping) and depth:
        for part in value if isinstance(value, list) else (value.get("text"), value.get("content")):
            yield from _any_texts(part, depth - 1)


def _tokens(logprobs: object) -> Iterator[Token]:
    entries = logprobs.get("content") if isinstance(logprobs, Mapping) else None
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, Mapping) and isinstance(entry.get("top_logprobs"), list):
            yield Token(str(entry.get("token", "")), dict(_alternatives(entry["top_logprobs"])))


def _alternatives(entries: Sequence[object]) -> Iterator[tuple[str, float]]:
    for entry in entries:
        if isinstance(entry, Mapping):
            token, score = entry.get("token"), entry.get("logprob")
            if isinstance(token, str) and isinstance(score, int | float) and not isinstance(score, bool):
                yield token, float(score)


def _count(usage: object, *names: str) -> int | None:
    """Return a number of tokens, None where none is told: some endpoints send none, words, or zeros as they go."""
    if not isinstance(usage, Mapping):
        return None
    for name in names:
        value = usage.get(name)
        if isinstance(value, str) and value.strip().isdecimal():
            value = int(value.strip()[:12])
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
    return None
