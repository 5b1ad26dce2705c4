"""What answers prompts, as the rest of synthesis sees it, and how it can fail."""

from __future__ import annotations

from typing import Protocol

from labelwright.core.errors import LabelwrightError
from labelwright.synthesis.llm.completion import Reply, Request, Usage

REASONING = "reasoning"
"""Kind of a failure: the model's reasoning took the whole limit of tokens. With a higher limit there is an answer."""


class Endpoint(Protocol):
    """Answers one request, once: no retries, no ledger."""

    @property
    def model(self) -> str:
        """The model's name, as the requests name it."""
        ...

    @property
    def address(self) -> str:
        """Its address for provenance; holds no secret."""
        ...

    def ask(self, request: Request) -> Reply:
        """Return the answer. Raises AskFailed."""
        ...


class AskFailed(LabelwrightError):
    """One attempt failed.

    ``kind`` is a short stable word for the ledger. ``usage`` is an estimate of what the provider may have charged,
    None where it refused before any work. ``retry_after`` is in seconds, None where the provider named no time.
    """

    status = "UNAVAILABLE"
    reason = "LLM_FAILED"

    def __init__(
        self,
        message: str,
        *,
        kind: str,
        retryable: bool,
        usage: Usage | None = None,
        retry_after: float | None = None,
        advice: str = "",
    ) -> None:
        super().__init__(message, advice=advice, kind=kind)
        self.kind = kind
        self.retryable = retryable
        self.usage = usage
        self.retry_after = retry_after


class BudgetExceeded(LabelwrightError):
    """The next call could cost more than is left of the budget, so it was not made."""

    status = "RESOURCE_EXHAUSTED"
    reason = "BUDGET_EXCEEDED"
