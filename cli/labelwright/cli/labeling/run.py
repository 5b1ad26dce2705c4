"""A labeling run over rows: outcomes in order and in constant memory, and what they come to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any

from labelwright.cli.labeling.answering import Answerer
from labelwright.cli.rows.failing import failure_of
from labelwright.cli.rows.output_row import added_columns
from labelwright.cli.rows.row_reading import FIRST_ROWS, InputRow
from labelwright.client import Failure, Outcome
from labelwright.client.messages.labels import Details
from labelwright.core.errors import ConfigurationError
from labelwright.core.row import shown_names

_KEPT_FAILURES = 5


@dataclass(slots=True)
class RunCounts:
    """What a run did so far; ``resumed`` of the rows were there before."""

    resumed: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    abstained: int = 0
    failed: int = 0
    failures: list[str] = field(default_factory=list)

    @property
    def labeled(self) -> int:
        """Rows that got a label."""
        return self.labels.total()

    @property
    def rows(self) -> int:
        """All rows."""
        return self.labeled + self.abstained + self.failed

    def add(self, added: Mapping[str, Any]) -> None:
        """Count one output row, fresh or read back."""
        if problem := added.get("error"):
            self.failed += 1
            if len(self.failures) < _KEPT_FAILURES:
                self.failures.append(str(problem))
        elif label := added["label"]:
            self.labels[label] += 1
        else:
            self.abstained += 1

    def revise(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        """Count a later answer to an output row in place of the earlier one; neither is an error."""
        if label := before["label"]:
            self.labels[label] -= 1
            self.labels += Counter()  # a label that nothing has any more is none that was given
        else:
            self.abstained -= 1
        self.add(after)


def label_rows(
    rows: Iterator[InputRow], answerer: Answerer, details: Details, *, from_start: bool = True
) -> Iterator[list[tuple[InputRow, dict[str, Any]]]]:
    """Yield the rows with the columns that labeling adds, as many at a time as the answerer takes best.

    Raises LabelwrightError where labeling cannot go on, or, where the rows are the input's first ones, fails on these
    for one and the same reason; then no row is yielded.
    """
    first = list(islice(rows, FIRST_ROWS if from_start else 0))
    answered = [(batch, _answer(answerer, batch, details)) for batch in answerer.batches(first)]
    if first:
        check_first(answerer, first[0].columns, [outcome for _, outcomes in answered for outcome in outcomes])
    rest = ((batch, _answer(answerer, batch, details)) for batch in answerer.batches(rows))
    for batch, outcomes in chain(answered, rest):
        yield [(row, added_columns(row, outcome, details)) for row, outcome in zip(batch, outcomes, strict=True)]


def check_first(answerer: Answerer, columns: Mapping[str, Any], outcomes: Sequence[Outcome]) -> None:
    """Raise ConfigurationError where as many as ``FIRST_ROWS`` outcomes are one and the same failure."""
    failures = {failure_of(outcome) for outcome in outcomes}
    if len(outcomes) < FIRST_ROWS or len(failures) > 1:
        return
    (failure,) = failures
    if failure is not None:
        raise ConfigurationError(
            f"none of the first {len(outcomes)} rows can be labeled: {failure.reason}: {failure.message}",
            advice=f"the task's fields: {', '.join(answerer.task.fields)}; the rows have: {shown_names([*columns])}",
        )


def _answer(answerer: Answerer, batch: list[InputRow], details: Details) -> list[Outcome]:
    columns = [row.columns for row in batch if not row.problem]
    answers = iter(answerer.answer(columns, details) if columns else [])
    return [Failure("INVALID_ROW", row.problem) if row.problem else next(answers) for row in batch]
