"""Escalation: the rows that the programs are least sure of go to the model, and its answers count.

Each answer goes into the run's journal at once, and so does what was spent: a run that goes on asks for nothing twice,
and its budget is that of all runs with this output.
"""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np
from labelwright.cli.labeling.answering import Answerer
from labelwright.cli.labeling.run import RunCounts
from labelwright.cli.progress import progress_over
from labelwright.cli.rows.journal import Journal
from labelwright.cli.rows.run_record import Escalated
from labelwright.cli.screen import Screen
from labelwright.core.errors import ConfigurationError, InvalidRecord
from labelwright.synthesis.asking.direct import PURPOSE, DirectLabels, direct_request
from labelwright.synthesis.asking.sampling import least_sure
from labelwright.synthesis.authoring.side_by_side import Question, Talk, side_by_side
from labelwright.synthesis.llm.completion import Reply, Request
from labelwright.synthesis.llm.endpoint import AskFailed, BudgetExceeded
from labelwright.synthesis.llm.ledger import Budget, Ledger
from labelwright.synthesis.llm.provider import Provider

MODEL, ASKED = "model", "asked"
"""Sources of rows: the model labeled it; it was asked and named no label, so that the programs' answer stays."""
_GIVES_UP = 10
"""Requests that fail in a row, each after its own retries, until no more are sent: the endpoint is away."""
_SHARE = re.compile(r"(\d{1,3}(?:\.\d+)?)%", re.ASCII)


@dataclass(frozen=True, slots=True)
class Extent:
    """How many rows may be sent: ``percent`` of them, or ``rows``."""

    percent: Decimal | None = None
    rows: int = 0

    @classmethod
    def parse(cls, text: str) -> Extent:
        """Return what "10%" or "250" means; an empty text means all rows. Raises ConfigurationError."""
        if found := _SHARE.fullmatch(text or "100%"):
            percent = Decimal(found[1])
            if 0 < percent <= 100:
                return cls(percent)
        elif text.isascii() and text.isdigit() and int(text):
            return cls(rows=int(text))
        raise ConfigurationError(
            f"--escalate {text!a} is neither a share nor a number of rows", advice="write --escalate 10% or 250"
        )

    def of(self, rows: int) -> int:
        """Return the most rows to send of so many."""
        return min(rows, self.rows) if self.percent is None else int(self.percent * rows / 100)


@dataclass(frozen=True, slots=True)
class EscalationResult:
    """What a run came to. ``totals`` are over all runs with the output, all else is this one's.

    ``wanted`` rows were to be sent in all runs; ``sent`` were asked for now. ``unanswered`` counts rows whose request
    failed, by kind, and ``stopped`` says why no more were sent, empty where all were. ``errors`` are the errors to be
    expected among all rows that have an answer, before and after: one less the probability of each label, and each
    abstention. ``dollars`` is what ``totals`` cost, None where the model's price is not known.
    """

    model: str
    wanted: int
    sent: int
    totals: Escalated
    unanswered: Mapping[str, int]
    stopped: str
    errors: tuple[float, float]
    dollars: float | None

    @property
    def left(self) -> int:
        """Rows that were to be sent and have no answer of the model."""
        return max(0, self.wanted - self.totals.asked)


@dataclass(frozen=True, slots=True)
class Escalation:
    """What is wanted: ``extent`` rows at most, asked for by ``provider``, ``parallel`` at a time, within its budget."""

    provider: Provider
    extent: Extent
    parallel: int

    def run(
        self,
        answerer: Answerer,
        journal: Journal,
        counts: RunCounts,
        before: Escalated,
        *,
        begin: Callable[[], None],
        screen: Screen,
    ) -> EscalationResult:
        """Ask about the least sure rows of the journal. ``before`` is what earlier runs did.

        ``begin`` is called before the journal holds the first answer. What fails is counted, and never raised.
        """
        rows = _read_rows(journal)
        wanted = self.extent.of(len(rows.places))
        asking = _Asking(self.provider, answerer, journal, counts, rows.places, before)
        chosen = rows.least_sure(wanted - rows.asked)
        sent = 0
        if chosen:
            begin()
            screen.note(f"sending {len(chosen):,} of {len(rows.places):,} rows to {self.provider.model}")
            with progress_over(
                screen.err, "the model", len(chosen), lambda: (asking.ended, asking.ended), shown=not screen.json
            ) as advanced:
                asking.ask(chosen, self.parallel, advanced)
            sent = asking.totals.asked - before.asked + asking.unanswered.total()
        totals = asking.totals
        certain = rows.errors + before.errors_before  # of all rows, as the programs alone would have them
        price = self.provider.ledger.price
        return EscalationResult(
            self.provider.model,
            wanted,
            sent,
            totals,
            asking.unanswered,
            asking.stopped,
            (certain, certain - totals.errors_before + totals.errors_after),
            price.cost(totals.tokens_in, totals.tokens_out) if price else None,
        )


@dataclass(slots=True)
class _Rows:
    """The journal's rows: where each stands, and how sure the programs are of those that the model may be asked about.

    ``errors`` is what is to be expected among the latter; ``asked`` rows have an answer of the model already.
    """

    places: array[int] = field(default_factory=lambda: array("Q"))
    numbers: array[int] = field(default_factory=lambda: array("Q"))
    labels: array[int] = field(default_factory=lambda: array("b"))
    probabilities: array[float] = field(default_factory=lambda: array("d"))
    asked: int = 0
    errors: float = 0.0

    def least_sure(self, count: int) -> list[int]:
        """Return the numbers of ``count`` rows that may be asked about."""
        order = least_sure(np.array(self.labels, np.int64), np.array(self.probabilities, np.float64), max(0, count))
        return [self.numbers[index] for index in order]


def _read_rows(journal: Journal) -> _Rows:
    rows = _Rows()
    for number, (place, added) in enumerate(journal.places()):
        rows.places.append(place)
        if added.get("error"):
            continue
        if added["source"] in (MODEL, ASKED) or journal.is_revised(number):
            rows.asked += 1
            continue
        rows.numbers.append(number)
        rows.labels.append(0 if added["label"] else -1)
        rows.probabilities.append(added["probability"] or 0.0)
        rows.errors += expected_error(added)
    return rows


def expected_error(added: Mapping[str, Any]) -> float:
    """Return how likely an output row is wrong, by its own probability; 1 without a label."""
    return 1.0 - (added["probability"] or 0.0) if added["label"] else 1.0


class _Asking:
    """The requests of one run."""

    def __init__(
        self,
        provider: Provider,
        answerer: Answerer,
        journal: Journal,
        counts: RunCounts,
        places: Sequence[int],
        before: Escalated,
    ) -> None:
        self._provider, self._answerer, self._journal = provider, answerer, journal
        self._counts, self._places, self._before = counts, places, before
        self._under_way: dict[Request, list[tuple[int, dict[str, Any]]]] = {}
        """Rows that wait for the answer to a request: of equal records one is asked about."""
        self._ended: set[int] = set()
        self._in_a_row = 0
        self._is_refused = False
        """Whether the budget refused a request, perhaps only because of what others held back."""
        self.totals = before.model_copy()
        self.unanswered: Counter[str] = Counter()
        self.stopped = ""

    @property
    def ended(self) -> int:
        """Rows whose request has come to an end."""
        return len(self._ended)

    def ask(self, chosen: Sequence[int], parallel: int, advanced: Callable[[], None]) -> None:
        """Ask about the rows with these numbers, in this order, until the budget or the endpoint ends it."""
        _lower(self._provider.ledger, self._before)
        try:
            self._ask(chosen, parallel, advanced)
            if self._is_refused and not self.stopped:
                # Requests under way hold back more than they take: what that leaves is for the next ones in turn.
                self._is_refused = False
                self._ask([number for number in chosen if number not in self._ended], 1, advanced)
            if self._is_refused:
                self.stopped = self.stopped or "the budget is used up"
        finally:  # answers that came while it was interrupted are paid, too
            self._enter_cost()
            self._journal.revise(None, None, self.totals.model_dump())

    def _ask(self, numbers: Sequence[int], parallel: int, advanced: Callable[[], None]) -> None:
        with closing(side_by_side(self._provider, [self._talk(number) for number in numbers], parallel)) as talks:
            for _ in talks:
                advanced()

    def _talk(self, number: int) -> Talk[None]:
        if self.stopped or self._is_refused:
            return
        columns, added = self._journal.at(self._places[number])
        try:
            record = self._answerer.record(columns)
        except InvalidRecord as error:
            self._fail([(number, added)], error.reason)
            return
        request = direct_request(self._answerer.task, record, (), self._answerer.guide)
        waiting = self._under_way.setdefault(request, [])
        waiting.append((number, added))
        if len(waiting) > 1:
            return
        try:
            reply = yield Question(request, PURPOSE)
        except BudgetExceeded:
            self._is_refused = True
        except AskFailed as error:
            self._fail(waiting, error.kind)
            self._in_a_row += 1
            if self._in_a_row == _GIVES_UP:
                self.stopped = f"{_GIVES_UP} requests in a row failed, the last one: {error.message}"
        else:
            self._in_a_row = 0
            self._enter_cost()
            for row, at_first in waiting:
                self._enter(row, at_first, reply)
        finally:
            del self._under_way[request]

    def _fail(self, rows: Sequence[tuple[int, object]], kind: str) -> None:
        self.unanswered[kind] += len(rows)
        self._ended.update(number for number, _ in rows)

    def _enter(self, number: int, at_first: dict[str, Any], reply: Reply) -> None:
        """Write down what the model said of a row."""
        added = self._revised(at_first, reply)
        totals = self.totals
        totals.asked += 1
        totals.unlabeled += added["source"] == ASKED
        totals.changed += added["label"] != at_first["label"]
        totals.errors_before += expected_error(at_first)
        totals.errors_after += expected_error(added)
        self._journal.revise(number, added, totals.model_dump())
        self._counts.revise(at_first, added)
        self._ended.add(number)

    def _revised(self, at_first: dict[str, Any], reply: Reply) -> dict[str, Any]:
        task = self._answerer.task
        answer = DirectLabels.none(1, len(task.label_names))
        answer.enter(0, task, reply)
        label = int(answer.labels[0])
        if label < 0:
            return at_first | {"source": ASKED}
        shares = np.exp(answer.beliefs[0]).tolist()
        revised = at_first | {"label": task.label_names[label], "probability": shares[label], "source": MODEL}
        if "distribution" in at_first:
            revised["distribution"] = dict(zip(task.label_names, shares, strict=True))
        return revised

    def _enter_cost(self) -> None:
        spent = self._provider.ledger.spent()
        self.totals.tokens_in = self._before.tokens_in + spent.tokens_in
        self.totals.tokens_out = self._before.tokens_out + spent.tokens_out


def _lower(ledger: Ledger, before: Escalated) -> None:
    """Take from the budget what earlier runs spent of it."""
    budget = ledger.budget
    tokens = None if budget.tokens is None else max(0, budget.tokens - before.tokens_in - before.tokens_out)
    dollars = budget.dollars
    if dollars is not None and ledger.price:
        dollars = max(0.0, dollars - ledger.price.cost(before.tokens_in, before.tokens_out))
    ledger.budget = Budget(tokens, dollars)
