"""The LLM as runs use it: within a budget, with every reply kept, and waited for while it is unavailable."""

from __future__ import annotations

from labelwright.core.errors import Unavailable
from labelwright.synthesis.llm.completion import Reply, Request
from labelwright.synthesis.llm.endpoint import AskFailed, Endpoint
from labelwright.synthesis.llm.ledger import Budget, Ledger
from labelwright.synthesis.llm.prices import read_price
from labelwright.synthesis.llm.provider import KeptProvider, Provider, Retries
from labelwright.synthesis.settings import SynthesisSettings
from labelwright.worker.runs.lease import RunLease
from labelwright.worker.runs.replies import BookingEndpoint, RunReplies
from typing_extensions import override

_AWAY = frozenset(
    {"unreachable", "connection_lost", "timeout", "wrong_content_type", "http_408", "http_409", "http_429"}
)
_REFUSING = frozenset({"http_401", "http_402", "http_403", "http_404", "http_407", "not_sent"})
"""A key or a name is wrong: which a person can correct while the run waits."""


class RunLlm:
    """Opens the LLM for runs. Its endpoint, named by the settings of synthesis, is opened when first needed."""

    def __init__(self, settings: SynthesisSettings) -> None:
        self._settings = settings
        self._endpoint: Endpoint | None = None

    def open(self, lease: RunLease, tokens: int) -> Provider:
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
                BookingEndpoint(self._endpoint, lease, price),
                RunReplies(lease, settings.model, price),
                Ledger(price, Budget(tokens, dollars)),
                Retries(settings.attempts, settings.longest_wait_seconds),
                sleep=lease.wait,
            )
        )


class WaitingProvider(Provider):
    """Raises Unavailable where the LLM cannot be used now: the step is then repeated later, no program has failed."""

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
        """Return the reply. Raises Unavailable too, where the endpoint cannot be used now."""
        try:
            return self._provider.complete(request, purpose)
        except AskFailed as error:
            if error.kind in _AWAY | _REFUSING or error.kind.startswith("http_5"):
                raise Unavailable(error.message, advice=error.advice, part="llm", kind=error.kind) from error
            raise
