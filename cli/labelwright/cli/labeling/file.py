"""Labels a file: opens input and output, goes on where an earlier run stopped, keeps the record of the run."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from labelwright.cli.labeling.answering import Answerer
from labelwright.cli.labeling.run import RunCounts, label_rows
from labelwright.cli.progress import progress_over
from labelwright.cli.rows.output_file import OutputFile, StandardOutput
from labelwright.cli.rows.output_row import CsvFormat, JsonLinesFormat, RowFormat
from labelwright.cli.rows.parquet_writing import write_parquet
from labelwright.cli.rows.row_reading import STANDARD, ParquetRows, RowSource, open_rows, row_format
from labelwright.cli.rows.run_record import RunRecord, check_same_run, read_record, write_record
from labelwright.cli.screen import Screen
from labelwright.core.errors import ConfigurationError

_JOURNAL_SUFFIX = ".partial.jsonl"


@dataclass(frozen=True, slots=True)
class FileJob:
    """What is to be labeled, and where the rows go. ``selector`` names the version as the user did."""

    input: str
    output: str
    input_format: str
    output_format: str
    selector: str
    explain: bool
    overwrite: bool

    def __post_init__(self) -> None:
        """Raise ConfigurationError where input and output do not go together."""
        if STANDARD not in (self.input, self.output) and Path(self.input).resolve() == Path(self.output).resolve():
            raise ConfigurationError("input and output are the same file", advice="name another output")
        if self.output_path and self.output_path.exists() and not self.output_path.is_file():
            raise ConfigurationError(
                f"{self.output} is no regular file", advice="name a file, or - for standard output"
            )
        is_pipe = self.input == STANDARD or Path(self.input).is_fifo()
        if is_pipe and self.kind == "csv" and row_format(self.input, self.input_format) == "jsonl":
            raise ConfigurationError(
                "CSV needs the columns beforehand, which JSON Lines from a pipe cannot tell",
                advice="write JSON Lines, or read from a file",
            )
        if self.output == STANDARD and self.kind == "parquet":
            raise ConfigurationError("Parquet cannot be written to standard output", advice="name a file")

    @property
    def kind(self) -> str:
        """The output's format."""
        return row_format(self.output, self.output_format)

    @property
    def output_path(self) -> Path | None:
        """The output file, None where rows go to standard output."""
        return None if self.output == STANDARD else Path(self.output)

    @property
    def input_bytes(self) -> int | None:
        """The input's size, None where it is not a file."""
        return Path(self.input).stat().st_size if self.input != STANDARD and Path(self.input).is_file() else None


@dataclass(frozen=True, slots=True)
class FileResult:
    """What a run over a file ended with; ``seconds`` is what this run took."""

    counts: RunCounts
    seconds: float
    version: int
    digest: str


def earlier_version(job: FileJob) -> int | None:
    """Return the version that began this output, so that a rerun stays with it, None where there is none."""
    record = read_record(job.output_path) if job.output_path and not job.overwrite else None
    return record.version if record and record.version and record.selector == job.selector else None


def label_file(job: FileJob, answerer: Answerer, screen: Screen) -> FileResult:
    """Label the rows that the output lacks. Raises LabelwrightError; a rerun goes on from there."""
    record = _record(job, answerer)
    if job.output_path:
        before = None if job.overwrite else read_record(job.output_path)
        if finished := _check_earlier(job, before, record):
            return FileResult(finished, 0.0, record.version, record.digest)
    started = time.monotonic()
    source = open_rows(job.input, job.input_format)
    try:
        counts = _label(job, source, answerer, screen, record)
    finally:
        source.close()
    return FileResult(counts, time.monotonic() - started, record.version, record.digest)


def _record(job: FileJob, answerer: Answerer) -> RunRecord:
    return RunRecord(
        selector=job.selector,
        task=answerer.task.name,
        version=answerer.version,
        digest=answerer.digest,
        explain=job.explain,
        output_format=job.kind,
        input_bytes=job.input_bytes,
    )


def _check_earlier(job: FileJob, before: RunRecord | None, now: RunRecord) -> RunCounts | None:
    """Return the counts of a run that is complete and cannot be gone on with: a Parquet file is closed for good."""
    output = job.output_path
    assert output
    if before is None:
        if output.exists() and output.is_file() and output.stat().st_size and not job.overwrite:
            raise ConfigurationError(
                f"{output} exists and no run of labelwright began it", advice="replace it: --overwrite"
            )
        return None
    check_same_run(output, before, now)
    if before.output_format != "parquet" or not before.complete or not output.exists():
        return None
    if before.input_bytes != now.input_bytes:
        raise ConfigurationError(
            f"{output} is complete, and the input has changed since", advice="start anew with --overwrite"
        )
    counts = RunCounts(resumed=before.rows, abstained=before.abstained, failed=before.failed)
    counts.labels.update(before.labels)
    return counts


def _label(job: FileJob, source: RowSource, answerer: Answerer, screen: Screen, record: RunRecord) -> RunCounts:
    counts = RunCounts()
    output = _open_output(job, source)
    try:
        if job.output_path:
            write_record(job.output_path, record)
        with progress_over(
            screen.err, answerer.task.name, source.total, lambda: (source.done, counts.rows), shown=not screen.json
        ) as advanced:
            label_rows(source.rows(), answerer, output, explain=job.explain, counts=counts, advanced=advanced)
    finally:
        output.close()
    if job.output_path:
        _finish(job, job.output_path, record, counts)
    return counts


def _open_output(job: FileJob, source: RowSource) -> OutputFile | StandardOutput:
    row_format = _row_format(job, source)
    if job.output_path is None:
        return StandardOutput(row_format)
    path = _journal(job.output_path) if job.kind == "parquet" else job.output_path
    return OutputFile(path, row_format, keep=not job.overwrite)


def _row_format(job: FileJob, source: RowSource) -> RowFormat:
    if job.kind != "csv":
        return JsonLinesFormat()
    return CsvFormat(source.columns or _found_columns(job), explain=job.explain)


def _found_columns(job: FileJob) -> tuple[str, ...]:
    """Return the columns of a JSON Lines file: CSV needs them before its first row, so the file is read twice."""
    source = open_rows(job.input, job.input_format)
    try:
        return tuple(dict.fromkeys(name for row in source.rows() for name in row.columns))
    finally:
        source.close()


def _finish(job: FileJob, output: Path, record: RunRecord, counts: RunCounts) -> None:
    if job.kind == "parquet":
        journal = _journal(output)
        source = open_rows(job.input, job.input_format) if job.input != STANDARD else None
        write_parquet(journal, output, source=source if isinstance(source, ParquetRows) else None, explain=job.explain)
    done = {
        "complete": True,
        "rows": counts.rows,
        "labels": dict(counts.labels),
        "abstained": counts.abstained,
        "failed": counts.failed,
    }
    write_record(output, record.model_copy(update=done))
    if job.kind == "parquet":
        _journal(output).unlink()


def _journal(output: Path) -> Path:
    return output.with_name(output.name + _JOURNAL_SUFFIX)
