"""From a bundle of programs to labeled records, on this machine: `make demo` runs this.

    python examples/demo.py [spam|tickets|sensors|FOLDER]

Has a language model write the example's programs: a real one where OPENAI_API_KEY or OPENAI_BASE_URL is set, else one
whose replies were recorded, where the example has such; otherwise the programs are those written by hand. Then starts
a registry and a label service on free ports in a temporary folder, pushes the bundle, makes it production, labels the
example's records over gRPC, shows what came of it, and cleans up.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import quantiles

from labelwright.cli.command_name import command_name
from labelwright.client import Client, Labeling, LabelwrightError, Outcome, Registry, VoteError
from labelwright.core.bundle import Bundle, read_folder
from labelwright.core.row import record_from_row
from rich.console import Console
from rich.progress import track
from rich.table import Table
from rich.text import Text

EXAMPLES = Path(__file__).parent
WRITTEN = Path(".labelwright") / "demo"
BATCH = 64
SINGLE_CALLS = 100
SHOWN_ANSWERS = 5
PROGRAMS = 8
"""As many as were asked for when the replies were recorded."""
START_SECONDS = 240
LOAD_SECONDS = 30

Record = dict[str, object]
console = Console(highlight=False, markup=False, emoji=False)


@dataclass(frozen=True, slots=True)
class Example:
    """An example's folder, read: its records, the right labels where they are known, and the bundle to publish."""

    folder: Path
    bundle_folder: Path
    bundle: Bundle
    records: list[Record]
    answers: list[str] | None


@dataclass(frozen=True, slots=True)
class Servers:
    """Where the registry and the label service listen."""

    registry: str
    service: str


@dataclass(frozen=True, slots=True)
class Pass:
    """One time through all records: outcomes, seconds of the whole, milliseconds of each single call."""

    outcomes: list[Outcome]
    seconds: float
    single_ms: list[float]


def main() -> int:
    """Run the demo and return the exit code: 0 only where labels really came back."""
    try:
        example = read_example(sys.argv[1] if len(sys.argv) > 1 else "spam")
        example = with_written_programs(example)
        with (
            tempfile.TemporaryDirectory(prefix="labelwright-demo-") as folder,
            running_servers(Path(folder)) as servers,
        ):
            publish(example, servers)
            with Client(servers.service) as client:
                wait_until_served(client, example)
                passes = [label_everything(client, example, title) for title in ("first pass", "second pass")]
                explained = client.label_batch(example.bundle.task.name, example.records[:SHOWN_ANSWERS], explain=True)
    except LabelwrightError as error:
        console.print(f"error: {error.message}" + (f"\n  try: {error.advice}" if error.advice else ""), style="red")
        return 1
    except KeyboardInterrupt:
        return 130
    show_results(example, passes, explained)
    return 0 if any(isinstance(item, Labeling) and item.label for item in passes[0].outcomes) else 1


def read_example(name: str) -> Example:
    """Return the example that ``name`` (one of ours, or a folder) means. Raises LabelwrightError."""
    folder = EXAMPLES / name if (EXAMPLES / name / "bundle").is_dir() else Path(name)
    bundle = _read_bundle(folder / "bundle")
    rows = _read_rows(folder / "unlabeled.jsonl")
    fields = bundle.task.fields
    records: list[Record] = [dict(zip(fields, record_from_row(bundle.task, row), strict=True)) for row in rows]
    right = folder / "answers.jsonl"
    answers = [str(row["label"]) for row in _read_rows(right)] if right.exists() else None
    return Example(folder, folder / "bundle", bundle, records, answers)


def with_written_programs(example: Example) -> Example:
    """Return the example with programs that a language model wrote, kept in WRITTEN; as it is if there is no model.

    Raises LabelwrightError if `labelwright synth` fails.
    """
    live = any(os.environ.get(name) for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"))
    replies = example.folder / "replies.jsonl"
    if not live and not replies.exists():
        console.print("programs written by hand: set OPENAI_API_KEY or OPENAI_BASE_URL to have a model write them")
        return example
    source = "live" if live else "from recorded replies"
    console.print(f"a language model writes the programs ({source}) …", style="bold")
    folder = WRITTEN / example.bundle.task.name
    shutil.rmtree(folder, ignore_errors=True)
    command = [sys.executable, "-m", "labelwright.cli.main", "synth", str(example.bundle_folder), "--out", str(folder)]
    command += ["--author", "large", "--programs", str(PROGRAMS), "--records", str(example.folder / "unlabeled.jsonl")]
    command += ["--gold", str(example.bundle_folder / "gold.jsonl")]
    if not live:
        command += ["--replies", str(replies), "--recorded"]
    if subprocess.run(command, check=False).returncode:  # noqa: S603
        raise LabelwrightError("`labelwright synth` failed; what it said stands above")
    return replace(example, bundle_folder=folder, bundle=_read_bundle(folder))


@contextlib.contextmanager
def running_servers(folder: Path) -> Iterator[Servers]:
    """Run `labelwright up` on free ports, with its files in ``folder``. Raises LabelwrightError if it cannot."""
    console.print("starting a registry and a label service (the first time on a machine compiles the sandbox) …")
    ports = ["--port", "0", "--registry-port", "0", "--metrics-port", "0"]
    command = [sys.executable, "-m", "labelwright.cli.main", "up", "--json", "--data", str(folder), *ports]
    with (folder / "up.json").open("w+") as out:
        process = subprocess.Popen(command, stdout=out)  # noqa: S603
        try:
            addresses = _wait_for_document(process, folder / "up.json")
            yield Servers(addresses["registry"], addresses["service"])
        finally:
            process.terminate()
            process.wait()


def publish(example: Example, servers: Servers) -> None:
    """Push the bundle and make it production. Raises LabelwrightError where it is refused or a gate does not hold."""
    with Registry(servers.registry) as registry:
        result = registry.push(example.bundle, author="demo", message="from the demo")
        if result.version is None:
            raise LabelwrightError(f"the bundle was refused: {result.report.findings[0]}")
        version = result.version
        registry.set_alias(version.task, version.number, actor="demo", reason="demo")
    console.print(f"pushed {version.task}@{version.number}: {len(version.programs)} programs, now production")


def wait_until_served(client: Client, example: Example) -> None:
    """Return once the label service answers: it follows the registry within moments. Raises LabelwrightError."""
    end = time.monotonic() + LOAD_SECONDS
    while True:
        try:
            client.label(example.bundle.task.name, example.records[-1])
        except LabelwrightError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            return


def label_everything(client: Client, example: Example, title: str) -> Pass:
    """Label some records in single calls and all in batches."""
    task, records = example.bundle.task.name, example.records
    single_ms = []
    for record in records[:SINGLE_CALLS]:
        began = time.perf_counter()
        client.label(task, record)
        single_ms.append((time.perf_counter() - began) * 1000)
    outcomes: list[Outcome] = []
    began = time.perf_counter()
    for start in track(range(0, len(records), BATCH), description=title, console=console, transient=True):
        outcomes += client.label_batch(task, records[start : start + BATCH])
    return Pass(outcomes, time.perf_counter() - began, single_ms)


def show_results(example: Example, passes: Sequence[Pass], explained: Sequence[Outcome]) -> None:
    """Show quality, speed, where answers came from, some answers, and what to try next."""
    labels = [item.label if isinstance(item, Labeling) else None for item in passes[0].outcomes]
    if example.answers:
        show_quality(labels, example.answers, example.bundle.task.label_names)
    show_speed(passes)
    show_answers(example, explained)
    show_next_steps(example)


def show_quality(labels: Sequence[str | None], answers: Sequence[str], names: Sequence[str]) -> None:
    """Show the figures against the right answers; an abstention counts as wrong in accuracy."""
    right = sum(label == answer for label, answer in zip(labels, answers, strict=True))
    covered = sum(label is not None for label in labels)
    commonest = Counter(answers).most_common(1)[0]
    table = _table("quality", "", "value")
    table.add_row("records", f"{len(labels):,}")
    table.add_row("coverage: share that got a label", f"{covered / len(labels):.1%}")
    table.add_row("accuracy, abstentions counted as wrong", f"{right / len(labels):.1%}")
    table.add_row("accuracy where labeled", f"{right / max(covered, 1):.1%}")
    table.add_row(f"always saying {commonest[0]!r}", f"{commonest[1] / len(answers):.1%}")
    console.print(table)
    table = _table("by label", "label", "records", "precision", "recall", "F1")
    for name in names:
        predicted, actual = labels.count(name), answers.count(name)
        hits = sum(label == answer == name for label, answer in zip(labels, answers, strict=True))
        table.add_row(
            Text(name),
            f"{actual:,}",
            f"{hits / max(predicted, 1):.1%}",
            f"{hits / max(actual, 1):.1%}",
            f"{2 * hits / max(predicted + actual, 1):.1%}",
        )
    console.print(table)


def show_speed(passes: Sequence[Pass]) -> None:
    """Show latency, throughput and where the answers came from, for each pass."""
    table = _table("speed", "", "single call p50", "p99", "records/s in batches", "answers came from")
    for title, one in zip(("first pass", "second pass"), passes, strict=True):
        cuts = quantiles(one.single_ms, n=100)
        sources = Counter(item.source if isinstance(item, Labeling) else "error" for item in one.outcomes)
        table.add_row(
            title,
            f"{cuts[49]:.2f} ms",
            f"{cuts[98]:.2f} ms",
            f"{len(one.outcomes) / one.seconds:,.0f}",
            ", ".join(f"{source} {count:,}" for source, count in sources.most_common()),
        )
    console.print(table)


def show_answers(example: Example, outcomes: Sequence[Outcome]) -> None:
    """Show some records with their labels and the votes behind them."""
    table = _table("some answers", "label", "votes", "record")
    for record, outcome in zip(example.records, outcomes, strict=False):
        if isinstance(outcome, Labeling):
            votes = ", ".join(f"{name}: {_vote(vote)}" for name, vote in outcome.votes.items() if vote is not None)
            shown = " · ".join(str(value) for value in record.values() if value is not None)
            label = f"{outcome.label or 'abstained'} {outcome.probability:.2f}"
            table.add_row(Text(label, "bold"), Text(votes or "all abstain"), Text(shown, overflow="ellipsis"))
    console.print(table)


def show_next_steps(example: Example) -> None:
    """Show commands to try next, as they work from here."""
    command, task = command_name(), example.bundle.task.name
    folder, bundle = _short(example.folder), _short(example.bundle_folder)
    console.print("\nwhat to try next", style="bold")
    for line in (
        f"{command} up      # runs all servers here, until Ctrl-C; then, in another terminal:",
        f"{command} push {bundle} --alias production",
        f"{command} label {task} --input {folder / 'unlabeled.jsonl'} --output labeled.jsonl",
        f"{command} check {bundle}      # after changing a program there",
        f"{command} diff {task} {bundle}      # what your change does to the labels",
    ):
        console.print(f"  {line}", soft_wrap=True)


def _wait_for_document(process: subprocess.Popen[bytes], path: Path) -> dict[str, str]:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(ValueError):
            document: dict[str, str] = json.loads(path.read_text())
            return document
        time.sleep(0.05)
    raise LabelwrightError("`labelwright up` did not start; what it said stands above")


def _short(path: Path) -> Path:
    absolute = path.resolve()
    return absolute.relative_to(Path.cwd()) if absolute.is_relative_to(Path.cwd()) else absolute


def _read_bundle(folder: Path) -> Bundle:
    bundle, findings = read_folder(folder)
    if bundle is None:
        raise LabelwrightError(str(findings[0]), advice=findings[0].advice)
    return bundle


def _read_rows(path: Path) -> list[Record]:
    try:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, ValueError) as error:
        raise LabelwrightError(
            f"{path}: {error}", advice="an example is a folder with bundle/ and unlabeled.jsonl"
        ) from error


def _table(title: str, *columns: str) -> Table:
    console.print()
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, header_style="dim")
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 or title == "some answers" else "right")
    return table


def _vote(vote: str | VoteError) -> str:
    return vote.name if isinstance(vote, VoteError) else vote


if __name__ == "__main__":
    sys.exit(main())
