"""What has arrived of an answer so far, and what it is in the end."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

from labelwright.synthesis.llm.chat.chunk import FAILURES, Chunk, Token, read_chunk, read_finish
from labelwright.synthesis.llm.completion import Finish, Reply, Request, Usage, estimate_tokens_in
from labelwright.synthesis.llm.endpoint import REASONING, AskFailed
from labelwright.synthesis.llm.repetition import repeats_itself
from labelwright.synthesis.llm.thinking import without_thinking

STOPPED_THINKING = "stopped_thinking"
"""Kind of a failure: a stop sequence ended the model's thinking, where it meant nothing."""
_LOOP_CHECK_EVERY = 16
"""Chunks, about tokens: at most so many are paid for after a repetition shows."""


class Answer:
    """The answer to one request. ``deadline`` is by the monotonic clock, in seconds."""

    def __init__(self, request: Request, deadline: float) -> None:
        self._request = request
        self._deadline = deadline
        self._texts: list[str] = []
        self._thoughts: list[str] = []
        self._tokens: list[tuple[int, Token]] = []
        self._length = 0
        self._finish: Finish | None = None
        self._reason = ""
        self._refusal = ""
        self._counted: dict[str, int] = {}

    @property
    def has_begun(self) -> bool:
        """Whether anything has arrived that may have been charged."""
        return bool(self._texts or self._thoughts or self._counted)

    def in_time(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the chunks. Raises AskFailed once the deadline has passed."""
        for chunk in chunks:
            if time.monotonic() > self._deadline:
                raise self.failed("timeout", "the endpoint's answer took too long")
            yield chunk

    def take(self, document: object) -> bool:
        """Add what the document holds; return whether more is wanted. Raises ValueError, TypeError."""
        chunk = read_chunk(document)
        self._count(chunk)
        if chunk.text:
            place = self._length
            for token in chunk.tokens:
                self._tokens.append((place, token))
                place += len(token.text)
            self._texts.append(chunk.text)
            self._length += len(chunk.text)
        if chunk.thinking:
            self._thoughts.append(chunk.thinking)
        self._refusal += chunk.refusal
        if chunk.finish:
            self._reason = chunk.finish[:40]
            self._finish = read_finish(chunk.finish)
        return not self._is_loop()

    def usage(self) -> Usage:
        """Return what it took: as the endpoint counted, else estimated."""
        # A chunk holds one token or more, so this is the least.
        chunks = len(self._texts) + len(self._thoughts)
        tokens_in = self._counted.get("in", estimate_tokens_in(self._request))
        return Usage(tokens_in, self._counted.get("out", chunks), exact=len(self._counted) == 2)

    def failed(self, kind: str, message: str, *, retryable: bool = True, advice: str = "") -> AskFailed:
        """Return the failure of an attempt that may have been charged."""
        return AskFailed(message, kind=kind, retryable=retryable, usage=self.usage(), advice=advice)

    def reply(self) -> Reply:
        """Return the whole answer. Raises AskFailed where there is none."""
        raw = "".join(self._texts).encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
        if self._finish is None:
            raise self.failed("cut", "the answer broke off")
        if self._reason.lower() in FAILURES:
            raise self.failed("aborted", f"the endpoint gave up: it ended the answer with {self._reason!a}")
        if self._finish is Finish.FILTERED:
            raise self.failed("filtered", "the endpoint's content filter ended the answer", retryable=False)
        answer = without_thinking(raw)
        if not answer.strip() and self._finish is not Finish.LOOP:
            raise self._no_answer(has_thought=bool(self._thoughts or raw.strip()))
        ended = self._reason if self._finish is Finish.UNFINISHED else ""
        return Reply(raw, self._finish, self.usage(), self._alternatives(raw, answer), ended)

    def _no_answer(self, *, has_thought: bool) -> AskFailed:
        limit = self._request.max_tokens
        if self._refusal:
            return self.failed("declined", "the model declined to answer", retryable=False)
        if self._finish is Finish.LENGTH:
            return self.failed(
                REASONING,
                f"the limit of {limit:,} tokens went to the model's reasoning, and none was left for its answer",
                advice="name a model that reasons less or not at all, or raise the budget",
            )
        if has_thought and self._finish is Finish.STOP and self._request.stop:
            return self.failed(STOPPED_THINKING, "a stop sequence ended the model's reasoning before its answer")
        how = f"; the endpoint ended it with {self._reason!a}" if self._finish is Finish.UNFINISHED else ""
        what = "the answer holds nothing but reasoning" if has_thought else "the answer is empty"
        return self.failed("empty", f"{what}{how}")

    def _alternatives(self, raw: str, answer: str) -> dict[str, float]:
        """Return the candidates for the first token of the answer, and not of the thinking before it."""
        start = len(raw) - len(answer.lstrip()) if len(answer) < len(raw) and raw.endswith(answer) else 0
        return next((dict(token.alternatives) for place, token in self._tokens if place >= start), {})

    def _count(self, chunk: Chunk) -> None:
        for name, count in (("in", chunk.tokens_in), ("out", chunk.tokens_out)):
            if count is not None:
                self._counted[name] = count

    def _is_loop(self) -> bool:
        chunks = len(self._texts) + len(self._thoughts)
        if self._finish is not None or chunks % _LOOP_CHECK_EVERY != _LOOP_CHECK_EVERY - 1:
            return False
        if repeats_itself("".join(self._texts)) or repeats_itself("".join(self._thoughts)):
            self._finish = Finish.LOOP
            self._counted.clear()
            return True
        return False
