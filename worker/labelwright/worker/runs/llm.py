"""The LLM, as a run may use it: within its budget, every reply kept, and waited for while it is away."""

from __future__ import annotations

from labelwright.core.errors import Unavailable
from labelwright.synthesis.llm.completion import Reply, Request
from labelwright.synthesis.llm.endpoint import AskFailed, Endpoint
from labelwright.synthesis.llm.ledger import Budget, Ledger
from labelwright.synthesis.llm.prices import read_price
from labelwright.synthesis.llm.provider import KeptProvider, Provider, Retries
from labelwright.synthesis.settings import Settings
from labelwright.worker.runs.held import Held
from labelwright.worker.runs.replies import BookingEndpoint, RunReplies
from typing_extensions import override

_AWAY = frozenset(
    {"unreachable", "connection_lost", "timeout", "wrong_content_type", "http_408", "http_409", "http_429"}
)
_REFUSING = frozenset({"http_401", "http_402", "http_403", "http_404", "http_407", "not_sent"})
"""A key or a name is wrong: a person can set it right while the run waits."""


class RunLlm:
    """Opens the LLM for runs. Its endpoint is that of the settings of synthesis, opened when a run first needs it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._endpoint: Endpoint | None = None

    def open(self, held: Held, tokens: int) -> Provider:
        """Return the LLM with a budget of so many tokens. Raises ConfigurationError where none is set."""
        settings = self._settings
        if self._endpoint is None:
            # The client library takes long to import, and a worker that waits for alerts does not need it.
            from labelwright.synthesis.app import open_endpoint

            self._endpoint = open_endpoint(settings)
        price = read_price(settings.model, settings.prices)
        dollars = settings.budget_dollars or None
        return WaitingProvider(
            KeptProvider(
                BookingEndpoint(self._endpoint, held, price),
                RunReplies(held, settings.model, price),
                Ledger(price, Budget(tokens, dollars)),
                Retries(settings.attempts, settings.longest_wait_seconds),
                sleep=held.wait,
            )
        )


class WaitingProvider(Provider):
    """Raises Unavailable where the LLM is, and not what a failed program raises: the step is then taken again later."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    @property
    @override
    def model(self) -> str:
        return self._provider.model

    @property
    @override
    def address(self) -> str:
        return self._provider.address

    @property
    @override
    def ledger(self) -> Ledger:
        return self._provider.ledger

    @override
    def complete(self, request: Request, purpose: str) -> Reply:
        """Return the reply. Raises Unavailable, beside the rest, where the endpoint cannot be used now."""
        try:
            return self._provider.complete(request, purpose)
        except AskFailed as error:
            if error.kind in _AWAY | _REFUSING or error.kind.startswith("http_5"):
                raise Unavailable(error.message, advice=error.advice, part="llm", kind=error.kind) from error
            raise
