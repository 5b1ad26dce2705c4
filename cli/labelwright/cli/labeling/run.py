"""A labeling run over rows: outcomes in order and in constant memory, and what they come to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from labelwright.cli.labeling.answering import Answerer
from labelwright.cli.rows.output_row import added_columns
from labelwright.cli.rows.row_reading import InputRow
from labelwright.client import Failure, Outcome

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


def label_rows(
    rows: Iterator[InputRow], answerer: Answerer, *, explain: bool
) -> Iterator[list[tuple[InputRow, dict[str, Any]]]]:
    """Yield the rows with the columns that labeling adds, as many at a time as the answerer takes best.

    Raises LabelwrightError if labeling cannot go on.
    """
    for batch in answerer.batches(rows):
        yield [
            (row, added_columns(row, outcome, explain=explain))
            for row, outcome in zip(batch, _answer(answerer, batch, explain), strict=True)
        ]


def _answer(answerer: Answerer, batch: list[InputRow], explain: bool) -> list[Outcome]:
    columns = [row.columns for row in batch if not row.problem]
    answers = iter(answerer.answer(columns, explain=explain) if columns else [])
    return [Failure("INVALID_ROW", row.problem) if row.problem else next(answers) for row in batch]
