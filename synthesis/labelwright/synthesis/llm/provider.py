"""The provider: kept replies first, then the budget, then the endpoint with retries; all of it in the ledger."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from labelwright.synthesis.llm.completion import Reply, Request, Usage, estimate_tokens_in
from labelwright.synthesis.llm.endpoint import REASONING, AskFailed, BudgetExceeded, Endpoint
from labelwright.synthesis.llm.ledger import AttemptOutcome, Entry, Ledger
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential
from typing_extensions import override

_NOTHING = Usage(0, 0)
_CHANGED = frozenset({REASONING, "stopped_thinking"})
"""Kinds of failures after which the next request is another one, so that there is nothing to wait for."""
_ROOMS = (0, 1024, 4096, 16_384)
"""Tokens that the limit of each request is raised by, for reasoning: by the next number whenever it took them all."""


class Provider(Protocol):
    """Answers requests and enters in the ledger what they took."""

    @property
    def model(self) -> str:
        """The model's name."""
        ...

    @property
    def address(self) -> str:
        """Where the answers come from, for provenance; holds no secret."""
        ...

    @property
    def ledger(self) -> Ledger:
        """What the answers took."""
        ...

    def complete(self, request: Request, purpose: str) -> Reply:
        """Return the answer. Raises AskFailed, and BudgetExceeded before the budget would be overdrawn.

        ``purpose`` says in the ledger what the answer was for.
        """
        ...


class KeptReplies(Protocol):
    """Replies that were paid for already; ``labelwright.synthesis.llm.replies.Replies`` keeps them in a file."""

    def get(self, request: Request) -> Reply | None:
        """Return the kept reply to the request, or None."""
        ...

    def keep(self, request: Request, reply: Reply) -> None:
        """Keep the reply, for good."""
        ...


@dataclass(frozen=True, slots=True)
class Retries:
    """How often to try, and the longest wait between two tries in seconds."""

    attempts: int = 5
    longest_wait: float = 60.0


class KeptProvider(Provider):
    """Replays what ``replies`` holds, and keeps there what the endpoint answers."""

    def __init__(
        self,
        endpoint: Endpoint,
        replies: KeptReplies | None,
        ledger: Ledger,
        retries: Retries = Retries(),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._endpoint = endpoint
        self._replies = replies
        self._ledger = ledger
        self._retries = retries
        self._backoff = wait_random_exponential(multiplier=1, max=retries.longest_wait)
        self._sleep = sleep
        self._room = 0
        """Which of ``_ROOMS``: a model that reasons once does so every time."""

    @property
    @override
    def model(self) -> str:
        return self._endpoint.model

    @property
    @override
    def address(self) -> str:
        return self._endpoint.address

    @property
    @override
    def ledger(self) -> Ledger:
        return self._ledger

    @override
    def complete(self, request: Request, purpose: str) -> Reply:
        kept_reply = None if self._replies is None else self._replies.get(request)
        if kept_reply is not None:
            self._ledger.add(Entry(purpose, AttemptOutcome.REPLAYED, kept_reply.usage))
            return kept_reply
        retrying = Retrying(
            stop=stop_after_attempt(self._retries.attempts),
            wait=self._wait,
            retry=retry_if_exception(lambda error: isinstance(error, AskFailed) and error.retryable),
            sleep=self._sleep,
            reraise=True,
        )
        reply: Reply = retrying(self._attempt, request, purpose)
        if self._replies is not None:
            self._replies.keep(request, reply)
        return reply

    def _attempt(self, request: Request, purpose: str) -> Reply:
        roomy = replace(request, max_tokens=request.max_tokens + _ROOMS[self._room])
        try:
            with self._ledger.reserving(estimate_tokens_in(request), roomy.max_tokens):
                return self._asked(roomy, purpose)
        except BudgetExceeded as refusal:
            why = "; part of it is room for the model's reasoning" if self._room else ""
            raise BudgetExceeded(f"{refusal.message}{why}", advice=refusal.advice) from None

    def _asked(self, roomy: Request, purpose: str) -> Reply:
        try:
            reply = self._endpoint.ask(roomy)
        except AskFailed as error:
            outcome = _outcome(error.usage)
            self._ledger.add(Entry(purpose, outcome, error.usage or _NOTHING, error.kind))
            if error.kind == REASONING:
                error.retryable = self._room + 1 < len(_ROOMS)
                self._room += error.retryable
            raise
        detail = "" if reply.usage.exact else reply.finish.value
        self._ledger.add(Entry(purpose, _outcome(reply.usage), reply.usage, detail))
        return reply

    def _wait(self, state: RetryCallState) -> float:
        """Return the wait in seconds: what the endpoint asked for, else exponential backoff with jitter."""
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, AskFailed) and error.kind in _CHANGED:
            return 0.0
        if isinstance(error, AskFailed) and error.retry_after is not None:
            return min(error.retry_after, self._retries.longest_wait)
        return self._backoff(state)


class RecordedEndpoint(Endpoint):
    """Asks nobody: the provider's file of replies answers, or nothing does."""

    def __init__(self, model: str) -> None:
        self._model = model

    @property
    @override
    def model(self) -> str:
        return self._model

    @property
    @override
    def address(self) -> str:
        return "recorded"

    @override
    def ask(self, request: Request) -> Reply:
        raise AskFailed(
            f"there is no recorded reply to prompt {request.digest(self._model)[:12]}",
            kind="not_recorded",
            retryable=False,
            advice="record it: run against a live endpoint with --replies naming the same file",
        )


def _outcome(usage: Usage | None) -> AttemptOutcome:
    if usage is None:
        return AttemptOutcome.REFUSED
    return AttemptOutcome.ANSWERED if usage.exact else AttemptOutcome.UNCERTAIN
