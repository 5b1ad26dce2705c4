"""``labelwright label``: a few records from the command line, or a whole file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from labelwright.cli import options
from labelwright.cli.exits import ExitCode
from labelwright.cli.extras import require
from labelwright.cli.labeling.answering import Answerer, FolderAnswerer, ServiceAnswerer
from labelwright.cli.labeling.file import FileJob, FileResult, earlier_version, label_file
from labelwright.cli.labeling.texts import answer_texts, ask_service, text_rows
from labelwright.cli.rows.failing import failure_of
from labelwright.cli.rows.row_reading import STANDARD
from labelwright.cli.screen import Screen, as_json
from labelwright.cli.version_names import VersionName, parse_version_name
from labelwright.cli.views.labels import show_answers, show_escalation, show_run
from labelwright.client import Labeling, Outcome
from labelwright.client.messages.labels import Details
from labelwright.core.errors import ConfigurationError
from labelwright.core.text.json_text import first_twice

if TYPE_CHECKING:
    from labelwright.cli.labeling.escalation import Escalation, EscalationResult


class Format(StrEnum):
    """Formats of row files."""

    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"


@dataclass(frozen=True, slots=True)
class _Servers:
    service: str
    registry: str


def label(
    task: Annotated[
        str | None,
        typer.Argument(metavar="TASK[@VERSION|:ALIAS]", help="The task; not needed with --local.", show_default=False),
    ] = None,
    text: Annotated[
        list[str] | None, typer.Argument(metavar="TEXT", help="Texts to label.", show_default=False)
    ] = None,
    field: Annotated[
        list[str] | None,
        typer.Option("--field", metavar="NAME=VALUE", help="A field of one record; repeat it for more fields."),
    ] = None,
    input_: Annotated[
        str,
        typer.Option(
            "--input",
            metavar="FILE",
            help="Rows to label: .jsonl, .csv or .parquet; - reads JSON Lines from standard input.",
        ),
    ] = "",
    output: Annotated[
        str, typer.Option("--output", metavar="FILE", help="Where the labeled rows go, by the same endings.")
    ] = STANDARD,
    input_format: Annotated[
        Format | None, typer.Option(help="The input's format, if its name does not say it.")
    ] = None,
    output_format: Annotated[
        Format | None, typer.Option(help="The output's format, if its name does not say it.")
    ] = None,
    encoding: Annotated[
        str,
        typer.Option(
            "--encoding", metavar="NAME", help="The input's encoding if it is not UTF-8, such as cp932 or cp1252."
        ),
    ] = "",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Start over if the output exists.")] = False,
    local: Annotated[
        Path | None,
        typer.Option(
            "--local", metavar="DIR", help="Label with this bundle folder, no server.", exists=True, file_okay=False
        ),
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Add each program's vote.")] = False,
    trace: Annotated[
        bool,
        typer.Option("--trace", help="Add what decided each program's vote: only with --local, and not for files."),
    ] = False,
    distribution: Annotated[bool, typer.Option("--distribution", help="Add the probability of every label.")] = False,
    escalate: Annotated[
        str,
        typer.Option(
            "--escalate",
            metavar="N%|N",
            help="Have the LLM label the rows of --input that the programs are least sure of: a share, or so many.",
        ),
    ] = "",
    budget_tokens: Annotated[
        int,
        typer.Option(
            "--budget-tokens",
            min=0,
            metavar="N",
            help="The most tokens that --escalate may take; alone, as many rows as they pay for.",
        ),
    ] = 0,
    parallel: options.Parallel = 4,
    service: options.ServiceAddress = options.SERVICE,
    registry: options.RegistryAddress = options.REGISTRY,
    json: options.Json = False,
) -> None:
    """Label texts, one record of fields, or a file of rows.

    A file's rows keep their columns and get label, probability, version and source. The output appears when all
    rows are labeled; an interrupted run goes on after its last row when the same command is given again. The LLM of
    --escalate is named by LABELWRIGHT_SYNTHESIS_MODEL, OPENAI_API_KEY and OPENAI_BASE_URL.
    """
    screen = Screen(json=json)
    servers, details = _Servers(service, registry), Details(explain or trace, distribution)
    words = ([task] if task is not None else []) + (text or [])
    if local is None and not words:
        raise ConfigurationError("no task was named", advice="labelwright label TASK TEXT, or --local DIR")
    if local:
        screen.note_leavings(local)
    if trace and (not local or input_):
        raise ConfigurationError(
            "--trace is for a few records and a bundle on this machine", advice="name its folder: --local DIR"
        )
    if (escalate or budget_tokens) and not input_:
        raise ConfigurationError("--escalate sends the least sure of many rows", advice="name a file with --input")
    escalation = _escalation(escalate, budget_tokens, parallel) if escalate or budget_tokens else None
    folder = FolderAnswerer.open(local) if local else None
    try:
        target, texts = _split(words, folder)
        _check_one_source(texts, field, input_)
        if input_:
            job = FileJob(
                input_,
                output,
                input_format or "",
                output_format or "",
                _selector(target, local),
                details,
                overwrite,
                encoding,
                escalation,
            )
            code = _label_file(job, target, folder, servers, screen)
        elif field:
            code = _label_fields(field, target, folder, servers, screen, details, trace)
        else:
            code = _label_texts(texts, target, folder, servers, screen, details, trace)
    finally:
        if folder:
            folder.close()
    raise typer.Exit(code)


def _split(words: list[str], folder: FolderAnswerer | None) -> tuple[VersionName, list[str]]:
    """Return the task and the texts. A folder names its task itself, so its name may be left out."""
    if folder is None:
        return parse_version_name(words[0]), words[1:]
    name = folder.task.name
    begins_with_task = len(words) > 1 and words[0] == name
    return VersionName(name), words[1:] if begins_with_task else words


def _escalation(escalate: str, budget_tokens: int, parallel: int) -> Escalation:
    """Return what is wanted of the model. Raises ConfigurationError, before anything is labeled."""
    require("labelwright.cli.labeling.escalation", "synthesis", "--escalate")
    from labelwright.cli.labeling.escalation import Escalation, Extent
    from labelwright.synthesis.app import open_provider
    from labelwright.synthesis.settings import read_settings

    extent = Extent.parse(escalate)
    settings = read_settings()
    if budget_tokens:
        settings = settings.model_copy(update={"budget_tokens": budget_tokens})
    return Escalation(open_provider(settings), extent, parallel)


def _selector(target: VersionName, local: Path | None) -> str:
    return f"folder {target.task}" if local else str(target)


def _check_one_source(texts: list[str], field: list[str] | None, input_: str) -> None:
    sources = [name for name, value in (("TEXT", texts), ("--field", field), ("--input", input_)) if value]
    if len(sources) != 1:
        raise ConfigurationError(
            f"{' and '.join(sources)} cannot be given together" if sources else "there is nothing to label",
            advice="give texts, or --field NAME=VALUE, or --input FILE",
        )


def _label_file(
    job: FileJob, target: VersionName, folder: FolderAnswerer | None, servers: _Servers, screen: Screen
) -> ExitCode:
    if folder:
        result = label_file(job, folder, screen)
    else:
        earlier = earlier_version(job)
        pinned = replace(target, version=earlier, alias=None) if earlier else target
        answerer = ServiceAnswerer.open(pinned, servers.service, servers.registry)
        if earlier:
            screen.note(f"{job.output} goes on with version {earlier}, which began it; --overwrite starts anew")
        try:
            result = label_file(job, answerer, screen)
        finally:
            answerer.close()
    if screen.json and job.output != STANDARD:
        screen.document(_summary(job, result))
    else:
        show_run(screen, result.counts, "standard output" if job.output == STANDARD else job.output, result.seconds)
        if result.escalation:
            show_escalation(screen, result.escalation)
        if result.record:
            screen.note(f"  what made these labels is in {result.record}")
    if result.counts.failed:
        return ExitCode.NO
    return ExitCode.UNREACHABLE if result.escalation and result.escalation.unanswered else ExitCode.OK


def _summary(job: FileJob, result: FileResult) -> dict[str, object]:
    counts = result.counts
    return {
        "output": job.output,
        "record": str(result.record),
        "version": result.version or None,
        "digest": result.digest,
        "rows": counts.rows,
        "resumed": counts.resumed,
        "labeled": counts.labeled,
        "abstained": counts.abstained,
        "failed": counts.failed,
        "labels": dict(counts.labels.most_common()),
        "failures": counts.failures,
        "seconds": round(result.seconds, 3),
        "escalation": _escalation_summary(result.escalation) if result.escalation else None,
    }


def _escalation_summary(result: EscalationResult) -> dict[str, object]:
    before, after = result.errors
    totals = result.totals
    return {
        "model": result.model,
        "wanted": result.wanted,
        "sent": result.sent,
        "asked": totals.asked,
        "changed": totals.changed,
        "unlabeled": totals.unlabeled,
        "unanswered": dict(result.unanswered),
        "left": result.left,
        "stopped": result.stopped,
        "tokens_in": totals.tokens_in,
        "tokens_out": totals.tokens_out,
        "dollars": result.dollars,
        "expected_errors": {"before": round(before, 2), "after": round(after, 2)},
    }


def _label_fields(
    fields: list[str],
    target: VersionName,
    folder: FolderAnswerer | None,
    servers: _Servers,
    screen: Screen,
    details: Details,
    trace: bool,
) -> ExitCode:
    pairs = [_parse_field(text) for text in fields]
    if (twice := first_twice([name for name, _ in pairs])) is not None:
        raise ConfigurationError(f"--field {twice!a} is given twice", advice="a record has each field once")
    row = dict(pairs)
    answerer: Answerer = folder or ServiceAnswerer.open(target, servers.service, servers.registry)
    try:
        if unknown := row.keys() - answerer.task.fields.keys():
            raise ConfigurationError(
                f"task {answerer.task.name!r} has no field {min(unknown)!a}",
                advice=f"its fields: {', '.join(answerer.task.fields)}",
            )
        outcomes = answerer.answer([row], details)
    finally:
        if answerer is not folder:
            answerer.close()
    deciding = folder.deciding([row]) if trace and folder else []
    return _answer(screen, target.task, [", ".join(fields)], outcomes, deciding)


def _parse_field(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ConfigurationError(f"--field {text!a} has no '='", advice="write --field NAME=VALUE")
    return name, value


def _label_texts(
    texts: list[str],
    target: VersionName,
    folder: FolderAnswerer | None,
    servers: _Servers,
    screen: Screen,
    details: Details,
    trace: bool,
) -> ExitCode:
    if folder:
        outcomes = answer_texts(folder, texts, details)
    else:
        outcomes = ask_service(target, texts, servers.service, servers.registry, screen.note, details)
    deciding = folder.deciding(text_rows(folder.task, texts)) if trace and folder else []
    return _answer(screen, target.task, texts, outcomes, deciding)


def _answer(
    screen: Screen, task: str, records: list[str], outcomes: list[Outcome], deciding: list[dict[str, str]]
) -> ExitCode:
    if screen.json:
        answers = [
            (_with_version(outcome) if isinstance(outcome, Labeling) else {}) | ({"error": failure} if failure else {})
            for outcome, failure in zip(outcomes, map(failure_of, outcomes), strict=True)
        ]
        for answer, decided in zip(answers, deciding, strict=False):
            answer["deciding"] = decided
        screen.document({"task": task, "answers": answers})
    else:
        show_answers(screen, records, outcomes, deciding)
    return ExitCode.NO if any(map(failure_of, outcomes)) else ExitCode.OK


def _with_version(outcome: Labeling) -> dict[str, object]:
    return {**as_json(outcome), "version": outcome.version or None}
