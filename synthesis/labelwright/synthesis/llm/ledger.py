"""The cost ledger: what every attempt took, what it was for, and a budget that is never overdrawn."""

from __future__ import annotations

import enum
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from labelwright.synthesis.llm.completion import Usage
from labelwright.synthesis.llm.endpoint import BudgetExceeded
from labelwright.synthesis.llm.prices import Price


class AttemptOutcome(enum.Enum):
    """What became of one attempt, and so whether it was paid."""

    ANSWERED = "answered"
    """Paid; tokens as the provider counted them."""
    UNCERTAIN = "uncertain"
    """Perhaps paid; tokens estimated, as the answer was cut: by a lost connection, or here, to stop a repetition."""
    REFUSED = "refused"
    """Not charged."""
    REPLAYED = "replayed"
    """Answered from kept replies: free now; the tokens are those that it took when it was made."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One attempt. ``detail`` is the kind of failure, empty for a success."""

    purpose: str
    outcome: AttemptOutcome
    usage: Usage
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Total:
    """A sum over entries. ``dollars`` is None where the model's price is not known."""

    calls: int
    tokens_in: int
    tokens_out: int
    dollars: float | None


@dataclass(frozen=True, slots=True)
class Budget:
    """The most that may be spent, None for no limit."""

    tokens: int | None = None
    dollars: float | None = None


class Ledger:
    """The attempts of one run, in order. Safe to use from several threads."""

    def __init__(self, price: Price | None = None, budget: Budget | None = None) -> None:
        self.price = price
        self.budget = budget or Budget()
        self._entries: list[Entry] = []
        self._reserved: list[tuple[int, int]] = []
        self._lock = threading.Lock()
        self._reserving = threading.Lock()

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All attempts so far."""
        return tuple(self._entries)

    def add(self, entry: Entry) -> None:
        """Enter an attempt."""
        with self._lock:
            self._entries.append(entry)

    @contextmanager
    def reserving(self, tokens_in: int, tokens_out: int) -> Iterator[None]:
        """Hold so many tokens while a call is under way. Raises BudgetExceeded where they could overdraw the budget."""
        call = (tokens_in, tokens_out)
        with self._reserving:
            self._check(tokens_in, tokens_out)
            self._reserved.append(call)
        try:
            yield
        finally:
            with self._reserving:
                self._reserved.remove(call)

    def _check(self, tokens_in: int, tokens_out: int) -> None:
        spent = self.spent()
        under_way_in, under_way_out = (sum(tokens) for tokens in zip((0, 0), *self._reserved, strict=True))
        tokens_in, tokens_out = tokens_in + under_way_in, tokens_out + under_way_out
        tokens = spent.tokens_in + spent.tokens_out + tokens_in + tokens_out
        if self.budget.tokens is not None and tokens > self.budget.tokens:
            raise BudgetExceeded(
                f"the next call could take the run to {tokens:,} tokens; the budget is {self.budget.tokens:,}",
                advice="raise the budget, or ask for fewer programs; what was made so far is kept",
            )
        if self.budget.dollars is None:
            return
        if self.price is None:
            raise BudgetExceeded(
                "there is a budget in dollars, but the model's price is not known",
                advice="add the model to the price table, or give the budget in tokens",
            )
        dollars = (spent.dollars or 0.0) + self.price.cost(tokens_in, tokens_out)
        if dollars > self.budget.dollars:
            raise BudgetExceeded(
                f"the next call could take the run to ${dollars:.4f}; the budget is ${self.budget.dollars:.4f}",
                advice="raise the budget, or ask for fewer programs; what was made so far is kept",
            )

    def spent(self, purposes: Iterable[str] | None = None) -> Total:
        """Return what was paid in this run, uncertain charges included."""
        return self._sum(purposes, {AttemptOutcome.ANSWERED, AttemptOutcome.UNCERTAIN})

    def worth(self, purposes: Iterable[str] | None = None) -> Total:
        """Return what the run would cost without kept replies: what was paid, and what was replayed."""
        return self._sum(purposes, {AttemptOutcome.ANSWERED, AttemptOutcome.UNCERTAIN, AttemptOutcome.REPLAYED})

    def uncertain(self) -> Total:
        """Return the part of ``spent`` that is estimated."""
        return self._sum(None, {AttemptOutcome.UNCERTAIN})

    def to_json(self) -> dict[str, object]:
        """Return the sums, by purpose and outcome, for provenance and reports."""
        purposes = dict.fromkeys(entry.purpose for entry in self._entries)
        return {
            "spent": _total_json(self.spent()),
            "uncertain": _total_json(self.uncertain()),
            "worth": _total_json(self.worth()),
            "purposes": {purpose: _total_json(self.worth([purpose])) for purpose in purposes},
            "outcomes": dict(Counter(entry.outcome.value for entry in self._entries)),
            "failures": dict(Counter(entry.detail for entry in self._entries if entry.detail)),
            "price_known": self.price is not None,
        }

    def _sum(self, purposes: Iterable[str] | None, outcomes: set[AttemptOutcome]) -> Total:
        counted = None if purposes is None else set(purposes)
        with self._lock:
            usages = [
                entry.usage
                for entry in self._entries
                if entry.outcome in outcomes and (counted is None or entry.purpose in counted)
            ]
        tokens_in, tokens_out = sum(usage.tokens_in for usage in usages), sum(usage.tokens_out for usage in usages)
        dollars = self.price.cost(tokens_in, tokens_out) if self.price else None
        return Total(len(usages), tokens_in, tokens_out, dollars)


def _total_json(total: Total) -> dict[str, object]:
    return {
        "calls": total.calls,
        "tokens_in": total.tokens_in,
        "tokens_out": total.tokens_out,
        "dollars": None if total.dollars is None else round(total.dollars, 6),
    }
