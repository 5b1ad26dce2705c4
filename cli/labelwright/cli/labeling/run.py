"""A labeling run over a file: rows in, outcomes out, in order and in constant memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Protocol

from labelwright.cli.labeling.answering import Answerer
from labelwright.cli.rows.output_row import added_columns
from labelwright.cli.rows.row_reading import InputRow
from labelwright.client import Failure, Outcome

BATCH = 256
_KEPT_FAILURES = 5


class Output(Protocol):
    """Where rows go."""

    def resume(self, rows: Iterator[InputRow]) -> Iterator[Mapping[str, Any]]:
        """Yield the added columns of rows that are there already, taking them from ``rows``."""
        ...

    def append(self, row: InputRow, added: Mapping[str, Any]) -> None:
        """Append a row."""
        ...

    def flush(self) -> None:
        """Hand the rows on."""
        ...


@dataclass(slots=True)
class RunCounts:
    """What a run did so far; ``resumed`` of the rows were there before."""

    resumed: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)
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
            return
        self.sources[str(added["source"])] += 1
        if label := added["label"]:
            self.labels[label] += 1
        else:
            self.abstained += 1


def label_rows(
    rows: Iterator[InputRow],
    answerer: Answerer,
    output: Output,
    *,
    explain: bool,
    counts: RunCounts,
    advanced: Callable[[], None],
) -> None:
    """Label what the output does not hold yet; ``counts`` is kept up to date, ``advanced`` is called now and then.

    Raises LabelwrightError where labeling cannot go on; what was written before stays and is gone on with next time.
    """
    for added in output.resume(rows):
        counts.add(added)
        counts.resumed += 1
        if counts.resumed % BATCH == 0:
            advanced()
    while batch := list(islice(rows, BATCH)):
        for row, outcome in zip(batch, _answer(answerer, batch, explain), strict=True):
            added = added_columns(row, outcome, explain=explain)
            output.append(row, added)
            counts.add(added)
        output.flush()
        advanced()


def _answer(answerer: Answerer, batch: list[InputRow], explain: bool) -> list[Outcome]:
    whole = [row.columns for row in batch if not row.problem]
    answers = iter(answerer.answer(whole, explain=explain) if whole else [])
    return [Failure("INVALID_ROW", row.problem) if row.problem else next(answers) for row in batch]
