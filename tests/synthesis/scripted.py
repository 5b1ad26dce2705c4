"""An LLM whose answers are known beforehand, behind the real provider."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from labelwright.synthesis.llm.completion import Finish, Reply, Request, Usage
from labelwright.synthesis.llm.ledger import Budget, Ledger
from labelwright.synthesis.llm.prices import Price
from labelwright.synthesis.llm.provider import KeptProvider
from labelwright.synthesis.llm.replies import Replies

TOKENS_IN, TOKENS_OUT = 40, 2


class Scripted:
    """An endpoint that answers with what ``answer`` makes of the last message."""

    model = "scripted"
    address = "nowhere"

    def __init__(self, answer: Callable[[str], str]) -> None:
        self._answer = answer

    def ask(self, request: Request) -> Reply:
        return Reply(self._answer(request.messages[-1].content), Finish.STOP, Usage(TOKENS_IN, TOKENS_OUT))


def scripted_provider(
    answer: Callable[[str], str], *, budget_tokens: int | None = None, replies: Path | None = None
) -> KeptProvider:
    kept = Replies(replies, model=Scripted.model) if replies else None
    return KeptProvider(Scripted(answer), kept, Ledger(Price(1.0, 4.0), Budget(tokens=budget_tokens)))
