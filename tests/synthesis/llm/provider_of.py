"""A provider of a faulty endpoint, through the real client library."""

from __future__ import annotations

from labelwright.synthesis.llm.completion import Message, Request
from labelwright.synthesis.llm.ledger import Budget, Ledger
from labelwright.synthesis.llm.openai_endpoint import OpenAIEndpoint
from labelwright.synthesis.llm.prices import Price
from labelwright.synthesis.llm.provider import KeptProvider, KeptReplies, Retries

from tests.synthesis.faulty_endpoint import FaultyEndpoint

KEY = "sk-secret-key-1234"


class Waits(list[float]):
    """A clock's hands held: remembers how long it was asked to sleep, and does not."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


def provider_of(
    endpoint: FaultyEndpoint,
    *,
    replies: KeptReplies | None = None,
    budget: Budget | None = None,
    attempts: int = 5,
    waits: Waits | None = None,
    silence: float = 10.0,
) -> KeptProvider:
    client = OpenAIEndpoint("m", api_key=KEY, base_url=endpoint.url, silence=silence, patience=20)
    ledger = Ledger(Price(1.0, 2.0), budget)
    return KeptProvider(client, replies, ledger, Retries(attempts), waits if waits is not None else Waits())


def ask(text: str = "hello", max_tokens: int = 50, stop: tuple[str, ...] = (), alternatives: int = 0) -> Request:
    return Request((Message("user", text),), max_tokens, stop=stop, alternatives=alternatives)
