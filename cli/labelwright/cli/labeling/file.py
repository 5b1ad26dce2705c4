"""Labels a file: each row goes into a journal at once, and the output is made of the journal when all rows are in it.

The record beside the output says which of the two counts. A run that is killed at any point leaves one of these:

| record       | journal        | output      | the next run                                                     |
|--------------|----------------|-------------|------------------------------------------------------------------|
| none         | none           | none        | begins                                                           |
| not complete | the first rows | none or old | goes on after the last whole row                                 |
| not complete | all rows       | new         | makes the output again                                           |
| complete     | any            | new         | makes the journal again from the output, if rows came since      |
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labelwright.cli.extras import require
from labelwright.cli.labeling.answering import Answerer
from labelwright.cli.labeling.run import RunCounts, label_rows
from labelwright.cli.progress import progress_over
from labelwright.cli.rows.journal import Journal, journal_path
from labelwright.cli.rows.output_row import CsvFormat, JsonLinesFormat, RowFormat
from labelwright.cli.rows.output_writing import draft_path, output_digest, read_added, write_output
from labelwright.cli.rows.row_reading import STANDARD, CsvRows, InputRow, ParquetRows, RowSource, open_rows, row_format
from labelwright.cli.rows.run_record import (
    Escalated,
    RunRecord,
    check_same_run,
    read_record,
    record_path,
    write_record,
)
from labelwright.cli.screen import Screen
from labelwright.client.messages.labels import Details
from labelwright.core.errors import ConfigurationError

if TYPE_CHECKING:
    from labelwright.cli.labeling.escalation import Escalation, EscalationResult

_SHOWN_EVERY = 1000
"""Rows read back between two movements of the progress bar."""


@dataclass(frozen=True, slots=True)
class FileJob:
    """What is to be labeled, and where the rows go. ``selector`` names the version as the user did.

    ``escalation`` has a model label the least sure rows, None for none.
    """

    input: str
    output: str
    input_format: str
    output_format: str
    selector: str
    details: Details
    overwrite: bool
    encoding: str = ""
    escalation: Escalation | None = None

    def __post_init__(self) -> None:
        """Raise ConfigurationError if input and output do not go together."""
        output = self.output_path
        if output is None and self.kind == "parquet":
            raise ConfigurationError("Parquet cannot be written to standard output", advice="name a file")
        if output is None and self.kind == "csv" and self._comes_once:
            raise ConfigurationError(
                "CSV needs the columns beforehand, which JSON Lines from a pipe cannot tell",
                advice="write JSON Lines, or name a file for the output",
            )
        if output is None and self.escalation:
            raise ConfigurationError(
                "the least sure rows are known when all are labeled: escalation needs a file",
                advice="name the output: --output FILE",
            )
        if output is None:
            return
        if output.exists() and not output.is_file():
            raise ConfigurationError(
                f"{self.output} is no regular file", advice="name a file, or - for standard output"
            )
        own_files = (output, journal_path(output), draft_path(output), record_path(output))
        if self.input != STANDARD and Path(self.input).resolve() in [path.resolve() for path in own_files]:
            raise ConfigurationError("input and output are the same file", advice="name another output")

    @property
    def kind(self) -> str:
        """The output's format."""
        return row_format(self.output, self.output_format)

    @property
    def output_path(self) -> Path | None:
        """The output file, the one that a link leads to; None if rows go to standard output."""
        if self.output == STANDARD:
            return None
        path = Path(self.output)
        return path.resolve() if path.is_symlink() else path

    @property
    def _comes_once(self) -> bool:
        is_pipe = self.input == STANDARD or Path(self.input).is_fifo()
        return is_pipe and row_format(self.input, self.input_format) == "jsonl"


@dataclass(frozen=True, slots=True)
class FileResult:
    """What a run over a file ended with; ``seconds`` is what this run took."""

    counts: RunCounts
    seconds: float
    version: int
    digest: str
    record: Path | None
    """Where the run's record is, None if rows went to standard output."""
    escalation: EscalationResult | None = None


def earlier_version(job: FileJob) -> int | None:
    """Return the version that began this output, so that a rerun stays with it, None if there is none to go on with."""
    output = job.output_path
    record = read_record(output) if output and not job.overwrite else None
    if output is None or record is None or record.selector != job.selector or not _can_go_on(output, record):
        return None
    return record.version or None


def _can_go_on(output: Path, record: RunRecord) -> bool:
    """Whether that is still there which counts by the record: the output, or the journal with a row at least."""
    journal = journal_path(output)
    return output.exists() if record.complete else journal.exists() and journal.stat().st_size > 0


def label_file(job: FileJob, answerer: Answerer, screen: Screen) -> FileResult:
    """Label the rows that the output lacks. Raises LabelwrightError; a rerun goes on from there."""
    started = time.monotonic()
    counts = RunCounts()
    output = job.output_path
    escalation = None
    with closing(open_rows(job.input, job.input_format, job.encoding)) as source:
        progress = progress_over(
            screen.err, answerer.task.name, source.total, lambda: (source.done, counts.rows), shown=not screen.json
        )
        if output is None:
            with progress as advanced:
                _label_to_standard_output(job, source, answerer, counts, advanced)
        else:
            escalation = _FileRun(job, output, source, answerer, counts, progress).label(screen)
    record = record_path(output) if output else None
    return FileResult(counts, time.monotonic() - started, answerer.version, answerer.digest, record, escalation)


def _label_to_standard_output(
    job: FileJob, source: RowSource, answerer: Answerer, counts: RunCounts, advanced: Callable[[], None]
) -> None:
    """Write each row as soon as it is labeled; there is nothing that a later run could go on with."""
    lines: RowFormat = (
        CsvFormat(source.columns or _found_columns(job), job.details, keeps_bytes=isinstance(source, CsvRows))
        if job.kind == "csv"
        else JsonLinesFormat()
    )
    header = lines.header
    for batch in label_rows(source.rows(), answerer, job.details):
        sys.stdout.buffer.write(header)
        header = b""
        for row, added in batch:
            try:
                sys.stdout.buffer.write(lines.encode(row.columns, added))
            except KeyError as error:
                raise ConfigurationError(
                    f"{row.place} has the column {error}, which the rows before lack", advice="write JSON Lines"
                ) from error
            counts.add(added)
        sys.stdout.buffer.flush()
        advanced()
    sys.stdout.buffer.write(header)


def _found_columns(job: FileJob) -> tuple[str, ...]:
    """Return the columns of a JSON Lines file: CSV needs them before its first row, so the file is read twice."""
    with closing(open_rows(job.input, job.input_format, job.encoding)) as source:
        return tuple(dict.fromkeys(name for row in source.rows() for name in row.columns))


class _FileRun:
    """One run that ends with a file."""

    def __init__(
        self,
        job: FileJob,
        output: Path,
        source: RowSource,
        answerer: Answerer,
        counts: RunCounts,
        progress: AbstractContextManager[Callable[[], None]],
    ) -> None:
        self._job, self._output, self._source, self._answerer = job, output, source, answerer
        self._counts, self._progress = counts, progress
        self._advanced: Callable[[], None] = lambda: None
        self._record = RunRecord(
            selector=job.selector,
            task=answerer.task.name,
            version=answerer.version,
            digest=answerer.digest,
            explain=job.details.explain,
            distribution=job.details.distribution,
            output_format=job.kind,
        )
        if job.kind == "parquet":
            require("pyarrow.parquet", "parquet", "writing Parquet")
        self._journal_counts = False
        """Whether the record says that the journal holds what is labeled so far, and not the output."""
        self._journal_fits = False
        """Whether the journal's rows were compared with the input's."""
        self._escalated = Escalated()

    def label(self, screen: Screen) -> EscalationResult | None:
        """Label what is not labeled yet and write the output; if that is cut short, say what is left behind."""
        with Journal(self._output) as journal:
            before = self._earlier_record(journal)
            self._journal_counts = before is not None and not before.complete
            try:
                with self._progress as self._advanced:
                    rows = self._unlabeled(journal, before)
                    self._journal_fits = True
                    if rows is not None:
                        self._label(journal, rows)
                escalation = self._escalate(journal, screen)
                if rows is not None or self._journal_counts:
                    self._finish(journal)
                journal.clear()
            except BaseException:
                if not self._journal_counts:
                    journal.clear()
                elif self._journal_fits:
                    screen.note(f"rows so far are in {journal_path(self._output)}; the same command goes on from there")
                raise
        return escalation

    def _earlier_record(self, journal: Journal) -> RunRecord | None:
        """Return the record of a run to go on with. Raises ConfigurationError if the files are another's."""
        if self._job.overwrite:
            return None
        before = read_record(self._output)
        has_output = self._output.exists() and self._output.stat().st_size > 0
        if before is None and (has_output or not journal.is_empty):
            raise ConfigurationError(
                f"{self._output} exists and no run of labelwright began it", advice="replace it: --overwrite"
            )
        if before is None or not _can_go_on(self._output, before):
            return None
        check_same_run(self._output, before, self._record)
        return before

    def _unlabeled(self, journal: Journal, before: RunRecord | None) -> Iterator[InputRow] | None:
        """Return the rows that are still to be labeled, None if an earlier run labeled all and wrote the output."""
        rows = self._source.rows()
        if before is None:
            journal.clear()
            return rows
        self._escalated = before.escalated
        if not before.complete:
            self._count(journal.resume(rows))
            for first, later in journal.revised():
                self._counts.revise(first, later)
            if journal.so_far:
                self._escalated = Escalated.model_validate(journal.so_far)
            return rows
        self._count(_reopened(self._output, before, journal, rows))
        following = next(rows, None)
        return None if following is None else chain([following], rows)

    def _count(self, added_before: Iterator[Mapping[str, Any]]) -> None:
        for added in added_before:
            self._counts.add(added)
            self._counts.resumed += 1
            if self._counts.resumed % _SHOWN_EVERY == 0:
                self._advanced()

    def _label(self, journal: Journal, rows: Iterator[InputRow]) -> None:
        for batch in label_rows(rows, self._answerer, self._job.details, from_start=not self._counts.resumed):
            self._begin()
            for row, added in batch:
                journal.append(row, added)
                self._counts.add(added)
            journal.flush()
            self._advanced()

    def _begin(self) -> None:
        """Say in the record that the journal counts from now on."""
        if not self._journal_counts:
            write_record(self._output, self._record.model_copy(update={"escalated": self._escalated}))
            self._journal_counts = True

    def _escalate(self, journal: Journal, screen: Screen) -> EscalationResult | None:
        """Have the model label the least sure rows, if that is wanted."""
        if self._job.escalation is None:
            return None
        result = self._job.escalation.run(
            self._answerer, journal, self._counts, self._escalated, begin=self._begin, screen=screen
        )
        self._escalated = result.totals
        return result

    def _finish(self, journal: Journal) -> None:
        job, counts = self._job, self._counts
        columns = self._source.columns or journal.columns
        with self._typed_input() as typed:
            write_output(
                self._output,
                job.kind,
                journal,
                columns,
                typed=typed,
                keeps_bytes=isinstance(self._source, CsvRows),
                details=job.details,
            )
        outcome = {
            "complete": True,
            "input_digest": journal.input_digest,
            "output_digest": output_digest(self._output),
            "rows": counts.rows,
            "labels": dict(counts.labels),
            "abstained": counts.abstained,
            "failed": counts.failed,
            "escalated": self._escalated,
        }
        write_record(self._output, self._record.model_copy(update=outcome))
        self._journal_counts = False

    @contextmanager
    def _typed_input(self) -> Iterator[ParquetRows | None]:
        """Open the input once more if both files are Parquet: the journal does not keep the types."""
        if self._job.kind != "parquet" or not isinstance(self._source, ParquetRows):
            yield None
            return
        with closing(ParquetRows(self._job.input)) as again:
            if again.total != self._counts.rows:
                raise ConfigurationError(
                    f"{self._job.input} has changed while it was labeled", advice="start anew with --overwrite"
                )
            yield again


def _reopened(
    output: Path, before: RunRecord, journal: Journal, rows: Iterator[InputRow]
) -> Iterator[Mapping[str, Any]]:
    """Write the rows of a finished output into the journal again, and yield what labeling added to them.

    Raises ConfigurationError if the output was changed, or belongs to another input.
    """
    journal.clear()
    if output_digest(output) != before.output_digest:
        raise ConfigurationError(
            f"{output} was changed since it was finished", advice="name another output, or start anew with --overwrite"
        )
    for added, row in zip(read_added(output, before.output_format), rows, strict=False):
        journal.append(row, added)
        yield added
    if journal.input_digest != before.input_digest:
        raise ConfigurationError(
            f"{output}: its rows are not the input's",
            advice="it belongs to another input; name another output, or start anew with --overwrite",
        )
