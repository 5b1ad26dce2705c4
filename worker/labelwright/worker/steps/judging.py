"""The judge: the LLM labels records on which two versions differ, without knowing their labels.

It is asked for the record's label, as in direct labeling, and not which of two labels is better: so it cannot prefer
the first or the longer one, may answer with a third label, and replies that synthesis has paid for can be used again.
Where production has a labeling guide, it goes by that: people may have corrected there what a label means. Then it is
asked for many records at once, as the guide would cost more than the records.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from labelwright.core.bundle import Bundle
from labelwright.core.record import Record
from labelwright.core.row import Row
from labelwright.core.task import Task
from labelwright.core.vote import ABSTAIN
from labelwright.synthesis.asking.direct import Example, direct_request, read_label
from labelwright.synthesis.asking.sampling import choose_examples, random_order
from labelwright.synthesis.authoring.judging import judge_records
from labelwright.synthesis.llm.endpoint import AskFailed, BudgetExceeded
from labelwright.synthesis.llm.provider import Provider
from labelwright.synthesis.rows import records_of
from labelwright.synthesis.statistics.chance import wilson
from labelwright.worker.decision import Judgment, Split, better_of

PURPOSE = "judge"
FEWEST = 6
"""With fewer records no split can be significant: 6 to 0 has p = 0.03."""
_GOLD_ROWS = 100
_GUIDED_BATCH = 50


@dataclass(frozen=True, slots=True)
class Dispute:
    """A record and the labels that the two versions give it."""

    record: Record
    base: int
    candidate: int


class Judge:
    """Judges for one task. Every request may raise Unavailable."""

    def __init__(self, provider: Provider, base: Bundle, direct_examples: int) -> None:
        self._provider = provider
        self._task: Task = base.task
        self._guide = base.guide
        self._examples: list[Example] = choose_examples(base.task, base.gold, direct_examples)
        example_records = [example.record for example in self._examples]
        self._gold: list[Row] = [row for row in base.gold if row.record not in example_records]

    def judge(self, disputes: Sequence[Dispute]) -> Judgment:
        """Return how the disputes, on distinct records, split. Those beyond the budget are left out."""
        try:
            if not self._knows_the_task():
                return Judgment(
                    Split(0, 0), obstacle="the LLM's own labels of gold rows are not surely better than chance"
                )
            return self._judged(disputes)
        except BudgetExceeded:
            return Judgment(Split(0, 0), obstacle="the day's tokens do not suffice to have the LLM judge")

    def _knows_the_task(self) -> bool:
        """Return whether the LLM labels gold rows better than the commonest label does; without gold, it is trusted."""
        if not self._gold:
            return True
        rows = [self._gold[index] for index in random_order(len(self._gold), 0)[:_GOLD_ROWS]]
        truth = [row.label for row in rows]
        pairs = [pair for pair in zip(self._labels(records_of(rows)), truth, strict=True) if pair[0] >= 0]
        right = sum(label == right_label for label, right_label in pairs)
        return bool(pairs) and wilson(right, len(pairs))[0] > max(map(truth.count, truth)) / len(truth)

    def _judged(self, disputes: Sequence[Dispute]) -> Judgment:
        outcomes: list[int] = []
        labels = self._labels([dispute.record for dispute in disputes])
        try:
            for dispute, right in zip(disputes, labels, strict=True):
                outcomes.append(better_of(dispute.base, dispute.candidate, right) if right >= 0 else 0)
        except BudgetExceeded:
            if len(outcomes) < FEWEST:
                raise
        return Judgment(Split(outcomes.count(1), outcomes.count(-1)), outcomes.count(0))

    def _labels(self, records: Sequence[Record]) -> Iterator[int]:
        """Yield the LLM's label of each record, -1 where it gave none. Raises BudgetExceeded."""
        size = _GUIDED_BATCH if self._guide else 1
        for start in range(0, len(records), size):
            batch = records[start : start + size]
            try:
                labels = self._asked(batch)
            except AskFailed:
                labels = [ABSTAIN] * len(batch)
            yield from labels

    def _asked(self, batch: Sequence[Record]) -> list[int]:
        if self._guide:
            return judge_records(self._provider, self._task, self._guide, batch, seed=0)
        (record,) = batch
        reply = self._provider.complete(direct_request(self._task, record, self._examples), PURPOSE)
        return [read_label(self._task, reply.text, cut=reply.is_cut)]
