"""``labelwright runs``: what refresh runs there are and what they did; approve, reject or cancel one."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice
from typing import Annotated

import typer
from labelwright.cli import options
from labelwright.cli.screen import Screen
from labelwright.cli.views.runs import show_run, show_runs
from labelwright.client import Review, RunClient, RunState
from labelwright.core.errors import ConfigurationError

RunId = Annotated[int, typer.Argument(metavar="ID", help="The run's number.")]
Why = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; kept with the run.")]

app = typer.Typer(
    rich_markup_mode=None,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


@app.callback()
def runs(
    context: typer.Context,
    task: Annotated[str, typer.Option("--task", metavar="TASK", help="Only this task's.")] = "",
    only_open: Annotated[bool, typer.Option("--open", help="Only those that have not ended.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, metavar="N", help="The most runs to show.")] = 100,
    registry: options.RegistryAddress = options.REGISTRY,
    json: options.Json = False,
) -> None:
    """List the runs that refresh tasks, newest first; or see and decide about one."""
    if context.invoked_subcommand:
        _refuse_misplaced(context)
        return
    screen = Screen(json=json)
    with RunClient(registry) as source:
        found = list(islice(source.list(task, open=only_open), limit))
    if screen.json:
        screen.document({"runs": found})
    elif found:
        show_runs(screen, found, datetime.now(UTC))
    else:
        screen.note(f"no {'open ' if only_open else ''}runs; by hand: labelwright refresh TASK")


@app.command("show")
def show(run: RunId, registry: options.RegistryAddress = options.REGISTRY, json: options.Json = False) -> None:
    """Show a run and all of its steps: when, who, what was done or found, and the figures."""
    screen = Screen(json=json)
    with RunClient(registry) as source:
        found = source.get(run)
    if screen.json:
        screen.document({"run": found})
        return
    show_run(screen, found, datetime.now(UTC))
    if found.state is RunState.AWAITING_APPROVAL:
        screen.note(
            f"next: labelwright runs approve {run} --reason TEXT, or labelwright runs reject {run} --reason TEXT"
        )


@app.command("approve")
def approve(
    run: RunId,
    reason: Why,
    actor: options.Actor = "",
    registry: options.RegistryAddress = options.REGISTRY,
    json: options.Json = False,
) -> None:
    """Have a candidate promoted that waits for approval. Ends with 1 where the run does not wait."""
    _review(Review.APPROVE, run, actor, reason, registry, Screen(json=json))


@app.command("reject")
def reject(
    run: RunId,
    reason: Why,
    actor: options.Actor = "",
    registry: options.RegistryAddress = options.REGISTRY,
    json: options.Json = False,
) -> None:
    """End a run that waits for approval; production stays as it is. Ends with 1 where the run does not wait."""
    _review(Review.REJECT, run, actor, reason, registry, Screen(json=json))


@app.command("cancel")
def cancel(
    run: RunId,
    reason: Why,
    actor: options.Actor = "",
    registry: options.RegistryAddress = options.REGISTRY,
    json: options.Json = False,
) -> None:
    """End a run that has not promoted its candidate yet. Ends with 1 where it has, or has ended."""
    _review(Review.CANCEL, run, actor, reason, registry, Screen(json=json))


def _review(review: Review, run: int, actor: str, reason: str, registry: str, screen: Screen) -> None:
    with RunClient(registry) as target:
        decided = target.review(run, review, actor or options.default_actor(), reason)
    if screen.json:
        screen.document({"run": decided})
    else:
        screen.line(f"run {run} of {decided.task} is {decided.state.value}", "bold green")


def _refuse_misplaced(context: typer.Context) -> None:
    sources = [context.get_parameter_source(name) for name in context.params]
    if any(source is not None and source.name == "COMMANDLINE" for source in sources):
        raise ConfigurationError(
            f"an option stands before {context.invoked_subcommand!r}", advice="write it after the command's name"
        )
