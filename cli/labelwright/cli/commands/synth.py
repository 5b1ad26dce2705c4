"""``labelwright synth``: an LLM writes the programs of a task."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from labelwright.cli import options
from labelwright.cli.command_name import command_name
from labelwright.cli.exits import ExitCode
from labelwright.cli.extras import open_sandbox, require
from labelwright.cli.rows.record_reading import read_records, show_left_out
from labelwright.cli.screen import Screen, shown
from labelwright.cli.views.synth import show_estimate, show_outcome
from labelwright.client import PushResult, Registry
from labelwright.client.messages.registry import open_folder
from labelwright.core.bundle import Bundle, write_folder
from labelwright.core.errors import ConfigurationError
from labelwright.features import Features, add_encoder

if TYPE_CHECKING:
    from labelwright.synthesis.llm.provider import Provider
    from labelwright.synthesis.rows import Rows
    from labelwright.synthesis.writing.estimate import Estimate
    from labelwright.synthesis.writing.round import DroppedProgram, KeptProgram, ProgramListener, WritingOptions


def synth(
    folder: Annotated[Path, typer.Argument(metavar="TASK_DIR", help="The folder that holds task.toml.")],
    records: Annotated[
        str,
        typer.Option(
            "--records",
            metavar="FILE",
            help="Unlabeled records: .jsonl, .csv, .parquet; not for --concepts.",
        ),
    ] = "",
    gold: Annotated[
        Path | None, typer.Option("--gold", metavar="FILE", help="Labeled rows (.jsonl) to choose by.")
    ] = None,
    programs: Annotated[int, typer.Option("--programs", min=1, max=200, help="How many programs to ask for.")] = 10,
    strategies: Annotated[
        str,
        typer.Option("--strategies", metavar="A,B,…", help="Prompt strategies, in turn; a mixed round if not given."),
    ] = "",
    author: options.Author = options.AuthorKind.AUTO,
    guide: options.Guide = None,
    parallel: options.Parallel = 4,
    rounds: options.Rounds = 0,
    revise: Annotated[
        Path | None,
        typer.Option(
            "--revise",
            metavar="DIR",
            help="Have this bundle's programs revised instead of new ones written; those of people stay as they are.",
            exists=True,
            file_okay=False,
        ),
    ] = None,
    wish: Annotated[
        str,
        typer.Option("--wish", metavar="TEXT", help="What is to be better, in your words."),
    ] = "",
    student: options.Student = True,
    encoder: options.Encoder = None,
    direct_labels: Annotated[
        int, typer.Option("--direct-labels", min=0, help="Records that the LLM labels itself, to learn from.")
    ] = 0,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Write the bundle to this new folder.")
    ] = None,
    push: Annotated[bool, typer.Option("--push", help="Push the bundle to the registry.")] = False,
    model: Annotated[
        str, typer.Option("--model", metavar="NAME", help="The LLM; LABELWRIGHT_SYNTHESIS_MODEL if not given.")
    ] = "",
    seed: Annotated[int, typer.Option("--seed", min=0, max=1_000_000, help="Seed of all random choices.")] = 0,
    replies: Annotated[
        Path | None, typer.Option("--replies", metavar="FILE", help="Keep replies here, and never pay for one twice.")
    ] = None,
    recorded: Annotated[
        bool, typer.Option("--recorded", help="Ask no model: take all replies from --replies.")
    ] = False,
    budget_tokens: Annotated[
        int, typer.Option("--budget-tokens", min=0, help="Stop before using more tokens than this.")
    ] = 0,
    budget: Annotated[
        float, typer.Option("--budget", min=0, metavar="USD", help="Stop before spending more than this.")
    ] = 0,
    concepts: Annotated[
        bool,
        typer.Option("--concepts", help="Only ask which fields to measure in images, sound and the like."),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only estimate the cost; ask no model.")] = False,
    registry: options.RegistryAddress = options.REGISTRY,
    json: options.Json = False,
) -> None:
    """Have an LLM write labeling programs from a task's description and unlabeled records.

    Every program is repaired, checked and tried in the sandbox; the best set is chosen and weighted, and becomes a
    bundle. A run that was interrupted continues where it stopped, without paying twice.
    """
    screen = Screen(json=json)
    require("labelwright.synthesis.app", "synthesis", "having programs written")
    from labelwright.synthesis import app
    from labelwright.synthesis.combining.run import run_synthesis
    from labelwright.synthesis.combining.version import VersionOptions
    from labelwright.synthesis.settings import read_settings
    from labelwright.synthesis.writing.round import WritingOptions

    overrides = {"model": model, "budget_tokens": budget_tokens, "budget_dollars": budget}
    settings = read_settings().model_copy(update={name: value for name, value in overrides.items() if value})
    if concepts:
        _suggest_concepts(screen, folder, app.open_provider(settings, replies=replies, recorded=recorded), seed)
        return
    if not records:
        raise ConfigurationError("there are no records to write programs for", advice="name them with --records FILE")
    if not (out or push or dry_run):
        raise ConfigurationError("the bundle would go nowhere", advice="add --out DIR, --push or --dry-run")
    if out and out.exists() and any(out.iterdir()):
        raise ConfigurationError(f"{out} is not empty", advice="name a new folder")
    if wish and not (revise or rounds):
        raise ConfigurationError("--wish is said when programs are revised", advice="add --revise DIR or --rounds 1")
    earlier = open_folder(revise) if revise else None
    if earlier and (author is options.AuthorKind.SMALL or strategies):
        raise ConfigurationError("--revise needs a model that writes whole programs", advice="use --author large")
    inputs = _read_inputs(screen, folder, records, gold, encoder)
    strategy_names = tuple(name.strip() for name in strategies.split(",") if name.strip())
    writing = WritingOptions(
        programs=programs,
        strategies=strategy_names,
        seed=seed,
        author=author.value,
        guide=options.read_guide(guide) or (earlier.guide if earlier else ""),
        parallel=parallel,
        rounds=rounds,
        wish=wish,
    )
    if dry_run:
        show_estimate(screen, _estimate(inputs, writing, settings.model, settings.prices))
        return
    provider = app.open_provider(settings, replies=replies, recorded=recorded)
    cost = _estimate(inputs, writing, provider.model, settings.prices)
    screen.note(f"{provider.model} at {provider.address}, about {cost.tokens_in + cost.tokens_out:,} tokens")
    with open_sandbox("having programs written") as sandbox:
        outcome = run_synthesis(
            inputs,
            provider,
            sandbox,
            writing,
            VersionOptions(direct_labels=direct_labels, direct_examples=8, with_student=student, seed=seed),
            _progress(screen, programs),
            note=screen.note,
            earlier=earlier,
            revises=earlier is not None,
        )
    push_result = _deliver(outcome.version.bundle, out, push, registry)
    show_outcome(screen, outcome, cost, out, push_result)
    if push_result and push_result.report.refused:
        raise typer.Exit(ExitCode.NO)
    raise typer.Exit(ExitCode.NO_BETTER if outcome.version.warning else ExitCode.OK)


def _suggest_concepts(screen: Screen, folder: Path, provider: Provider, seed: int) -> None:
    from labelwright.synthesis.app import read_task
    from labelwright.synthesis.asking.concepts import ask_concepts, suggest_fields

    task = read_task(folder)
    concepts = ask_concepts(provider, task, seed=seed)
    if not concepts:
        raise ConfigurationError(
            "the LLM named no concepts", advice="say more in the task's instructions, or ask again"
        )
    if screen.json:
        screen.document({"concepts": concepts, "cost": provider.ledger.to_json()})
        return
    screen.line("# to be added to [fields]; a model of your own scores them for each record")
    for line in suggest_fields(concepts).splitlines():
        screen.line(line)
    screen.note(
        f"next: score the records, then {command_name()} synth {folder} --records FILE --strategies concepts,plain"
    )


def _read_inputs(screen: Screen, folder: Path, records: str, gold: Path | None, encoder: Path | None) -> Rows:
    from labelwright.synthesis import app
    from labelwright.synthesis.rows import Rows

    task = app.read_task(folder)
    task = add_encoder(task, encoder) if encoder else task
    features = Features.open(task)
    source = read_records(task, records, features)
    show_left_out(screen, source)
    return Rows(task, source.records, app.read_gold(task, gold, features.fill_lines) if gold else [])


def _estimate(inputs: Rows, wanted: WritingOptions, model: str, prices: Path) -> Estimate:
    from labelwright.synthesis.combining.run import estimate_run
    from labelwright.synthesis.llm.prices import read_price

    return estimate_run(inputs, wanted, read_price(model, prices))


def _progress(screen: Screen, programs: int) -> ProgramListener:
    from labelwright.synthesis.writing.round import KeptProgram

    def show(item: KeptProgram | DroppedProgram, asked: int) -> None:
        if isinstance(item, KeptProgram):
            screen.note(f"{asked}/{programs} {item.program.name}: votes on {item.behavior.coverage:.0%}", "green")
        else:
            screen.note(f"{asked}/{programs} {item.name}: dropped, {shown(item.message, 100)}", "yellow")

    return show


def _deliver(bundle: Bundle, out: Path | None, push: bool, registry: str) -> PushResult | None:
    if out:
        write_folder(bundle.files, out)
    if not push:
        return None
    with Registry(registry) as target:
        return target.push(bundle, author=options.default_actor(), message="written by an LLM")
