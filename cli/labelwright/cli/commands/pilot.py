"""``labelwright pilot``: what a task's programs are worth and what they cost, in one run and one report."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from labelwright.cli import options
from labelwright.cli.command_name import command_name
from labelwright.cli.exits import ExitCode
from labelwright.cli.extras import open_sandbox, require
from labelwright.cli.rows.record_reading import read_records, show_left_out
from labelwright.cli.screen import Screen
from labelwright.cli.views.synth import show_estimate
from labelwright.core.bundle import write_folder
from labelwright.core.errors import ConfigurationError
from labelwright.features import Features, add_encoder
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

if TYPE_CHECKING:
    from labelwright.synthesis.combining.version import StepListener
    from labelwright.synthesis.pilot.report import PilotReport, ReportedCost

REPORT_FILE, PAGE_FILE, BUNDLE_FOLDER = "report.json", "report.html", "bundle"


def pilot(
    folder: Annotated[
        Path, typer.Argument(metavar="TASK_DIR", help="The folder with task.toml.", exists=True, file_okay=False)
    ],
    records: Annotated[str, typer.Option(metavar="FILE", help="Unlabeled records: .jsonl, .csv, .parquet.")],
    gold: Annotated[
        Path, typer.Option(metavar="FILE", help="Labeled rows to choose by, JSON Lines.", exists=True, dir_okay=False)
    ],
    report: Annotated[Path, typer.Option(metavar="DIR", help="The folder for the report and the bundle.")],
    test: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Labeled rows to measure on; else gold rows, out of fold.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    programs: Annotated[int, typer.Option(min=1, max=200, help="How many programs to ask for.")] = 10,
    strategies: Annotated[
        str, typer.Option(metavar="NAMES", help="Prompt strategies, separated by commas; a fitting round if not given.")
    ] = "",
    direct_labels: Annotated[int, typer.Option(min=0, help="Records that the LLM labels itself, to learn from.")] = 300,
    direct_sample: Annotated[int, typer.Option(min=0, help="Rows that the LLM labels itself, to compare with.")] = 100,
    direct_examples: Annotated[int, typer.Option(min=0, max=50, help="Gold rows shown to it each time.")] = 0,
    baseline: Annotated[bool, typer.Option("--baseline", help="Also compare with a TF-IDF classifier.")] = False,
    author: options.Author = options.AuthorKind.AUTO,
    guide: options.Guide = None,
    parallel: options.Parallel = 4,
    rounds: options.Rounds = 0,
    student: options.Student = True,
    encoder: options.Encoder = None,
    model: Annotated[str, typer.Option(metavar="NAME", help="The LLM; LABELWRIGHT_SYNTHESIS_MODEL if not given.")] = "",
    seed: Annotated[int, typer.Option(min=0, help="Seed of all random choices.")] = 0,
    replies: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Keep replies here, and never pay for one twice.")
    ] = None,
    recorded: Annotated[
        bool, typer.Option("--recorded", help="Ask no model: take all replies from --replies.")
    ] = False,
    budget_tokens: Annotated[int, typer.Option(min=0, help="Stop before using more tokens than this.")] = 0,
    budget: Annotated[float, typer.Option(min=0, metavar="USD", help="Stop before spending more than this.")] = 0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only estimate the cost; ask no model.")] = False,
    json: options.Json = False,
) -> None:
    """Have an LLM write programs, make a version of them, and measure what it is worth and costs.

    Compares it with the same LLM labeling directly, the commonest label and each single program. Writes report.json,
    report.html and the version's bundle. The LLM is named by LABELWRIGHT_SYNTHESIS_MODEL, OPENAI_API_KEY and
    OPENAI_BASE_URL.
    """
    screen = Screen(json=json)
    require("labelwright.synthesis.pilot.run", "synthesis", "a pilot")
    from labelwright.synthesis.app import open_provider, read_gold, read_task
    from labelwright.synthesis.llm.prices import read_price
    from labelwright.synthesis.pilot.estimate import estimate_pilot
    from labelwright.synthesis.pilot.page import render_page
    from labelwright.synthesis.pilot.report_building import build_report
    from labelwright.synthesis.pilot.result import PilotOptions, PilotRows
    from labelwright.synthesis.pilot.run import run_pilot
    from labelwright.synthesis.settings import read_settings
    from labelwright.synthesis.writing.round import WritingOptions

    _check_target(report)
    task = read_task(folder)
    task = add_encoder(task, encoder) if encoder else task
    features = Features.open(task)
    found = read_records(task, records, features)
    show_left_out(screen, found)
    rows = PilotRows(
        task,
        found.records,
        read_gold(task, gold, features.fill_lines),
        read_gold(task, test, features.fill_lines) if test else (),
    )
    strategy_names = tuple(name.strip() for name in strategies.split(",") if name.strip())
    writing = WritingOptions(
        programs,
        strategy_names,
        seed,
        author=author.value,
        guide=options.read_guide(guide),
        parallel=parallel,
        rounds=rounds,
    )
    extent = PilotOptions(direct_labels, direct_sample, direct_examples, baseline, student, seed)
    overrides = {"model": model, "budget_tokens": budget_tokens, "budget_dollars": budget}
    settings = read_settings().model_copy(update={name: value for name, value in overrides.items() if value})
    estimate = estimate_pilot(rows, writing, extent, read_price(settings.model, settings.prices))
    if dry_run:
        show_estimate(screen, estimate)
        return
    report.mkdir(parents=True, exist_ok=True)
    provider = open_provider(settings, replies=replies, recorded=recorded)
    with open_sandbox("a pilot") as sandbox, _progress(screen.err, visible=not json) as listener:
        result, bundle = run_pilot(sandbox, provider, rows, writing, extent, listener, screen.note)
    document = build_report(result, provider.ledger.price, estimate)
    write_folder(bundle.files, report / BUNDLE_FOLDER)
    (report / REPORT_FILE).write_text(document.to_text(), encoding="utf-8")
    (report / PAGE_FILE).write_text(render_page(document), encoding="utf-8")
    if screen.json:
        screen.document(document.model_dump(mode="json"))
    else:
        _show(screen, document, report)
    raise typer.Exit(ExitCode.NO_BETTER if document.warning else ExitCode.OK)


def _check_target(report: Path) -> None:
    """Refuse a folder that could not be written to, before money is spent."""
    bundle = report / BUNDLE_FOLDER
    if bundle.exists() and any(bundle.iterdir()):
        raise ConfigurationError(f"{bundle} is not empty", advice="name a new folder with --report")


@contextmanager
def _progress(console: Console, *, visible: bool) -> Iterator[StepListener]:
    """Show one bar a step while the block runs; where there is no terminal, a line as each step begins."""
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(compact=True),
        console=console,
        transient=True,
        disable=not (visible and console.is_terminal),
    )
    steps: dict[str, TaskID] = {}
    with bar:

        def show(step: str, share: float) -> None:
            if step not in steps:
                steps[step] = bar.add_task(step, total=1.0)
                if visible and not console.is_terminal:
                    console.print(f"{step} ...")
            bar.update(steps[step], completed=share)

        yield show


def _show(screen: Screen, document: PilotReport, report: Path) -> None:
    from labelwright.synthesis.pilot.result import WAYS

    if document.warning:
        screen.line(document.warning, "bold red")
    table = Table("labels by", "rows", "accuracy", "95%", "macro F1", "labeled", box=None, pad_edge=False)
    for way, title in WAYS.items():
        if figures := document.labeling(way):
            low, high = figures.interval
            table.add_row(
                title,
                f"{figures.rows:,}",
                f"{figures.accuracy:.1%}",
                f"{100 * low:.1f} to {100 * high:.1f}",
                f"{figures.macro_f1:.1%}",
                f"{figures.coverage:.1%}",
            )
    screen.show(table)
    serving = sum(program.serves for program in document.programs)
    screen.line(
        f"{document.programs_asked} programs asked for, {document.programs_kept} kept; "
        f"{serving} of {len(document.programs)} serve, label model {document.label_model.method}"
    )
    for note in document.notes:
        screen.note(note, "yellow")
    cost = document.cost
    spent = f"{cost.synthesis.tokens:,} tokens"
    if cost.synthesis.dollars is not None:
        spent += f" (${cost.synthesis.dollars:.4f})"
    screen.line(f"cost: {spent}" + _compared(cost))
    if document.curve:
        share = document.curve.recommended
        screen.line(
            f"{f'send the least sure {share:.0%}' if share else 'send nothing'} to the model: {document.curve.why}"
        )
    screen.line(f"report: {report / PAGE_FILE}", "bold")
    screen.note(f"next: {command_name()} check {report / BUNDLE_FOLDER}")


def _compared(cost: ReportedCost) -> str:
    if cost.ratio is None:
        return "; what direct labeling costs was not measured"
    return (
        f"; direct labeling costs {cost.ratio:,.0f} times as much at {cost.records:,} records, "
        f"the same at {cost.break_even_records:,}"
    )
