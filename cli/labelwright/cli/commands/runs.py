"""``labelwright runs``: what refresh runs there are and what they did; approve, reject or cancel one."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice
from typing import Annotated

import typer
from labelwright.cli import options
from labelwright.cli.command_name import command_name
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
    limit: Annotated[int, typer.Option("--limit", min=1, metavar="N", help="Show at most N runs.")] = 100,
    registry: options.RegistryAddress = options.REGISTRY,
    json: options.Json = False,
) -> None:
    """List the runs that refresh tasks, newest first; or show one and decide on it."""
    if context.invoked_subcommand:
        _refuse_misplaced(context)
        return
    screen = Screen(json=json)
    with RunClient(registry) as source:
        newest = list(islice(source.list(task, open=only_open), limit))
    if screen.json:
        screen.document({"runs": newest})
    elif newest:
        show_runs(screen, newest, datetime.now(UTC))
    else:
        screen.note(f"no {'open ' if only_open else ''}runs; by hand: {command_name()} refresh TASK")


@app.command("show")
def show(run: RunId, registry: options.RegistryAddress = options.REGISTRY, json: options.Json = False) -> None:
    """Show a run and all of its steps: when, who, what was done or found, and the figures."""
    screen = Screen(json=json)
    with RunClient(registry) as source:
        details = source.get(run)
    if screen.json:
        screen.document({"run": details})
        return
    show_run(screen, details, datetime.now(UTC))
    if details.state is RunState.AWAITING_APPROVAL:
        command = f"{command_name()} runs"
        screen.note(f"next: {command} approve {run} --reason TEXT, or {command} reject {run} --reason TEXT")


@app.command("approve")
def approve(
    run: RunId,
    reason: Why,
    actor: options.Actor = "",
    registry: options.RegistryAddress = options.REGISTRY,
    json: options.Json = False,
) -> None:
    """Promote a candidate that waits for approval. Ends with 1 if the run does not wait."""
    _review(Review.APPROVE, run, actor, reason, registry, Screen(json=json))


@app.command("reject")
def reject(
    run: RunId,
    reason: Why,
    actor: options.Actor = "",
    registry: options.RegistryAddress = options.REGISTRY,
    json: options.Json = False,
) -> None:
    """End a run that waits for approval; production stays as it is. Ends with 1 if the run does not wait."""
    _review(Review.REJECT, run, actor, reason, registry, Screen(json=json))


@app.command("cancel")
def cancel(
    run: RunId,
    reason: Why,
    actor: options.Actor = "",
    registry: options.RegistryAddress = options.REGISTRY,
    json: options.Json = False,
) -> None:
    """End a run that has not promoted its candidate yet. Ends with 1 if it has, or has ended."""
    _review(Review.CANCEL, run, actor, reason, registry, Screen(json=json))


def _review(review: Review, run: int, actor: str, reason: str, registry: str, screen: Screen) -> None:
    with RunClient(registry) as target:
        result = target.review(run, review, actor or options.default_actor(), reason)
    if screen.json:
        screen.document({"run": result})
    else:
        screen.line(f"run {run} of {result.task} is {result.state.value}", "bold green")


def _refuse_misplaced(context: typer.Context) -> None:
    sources = [context.get_parameter_source(name) for name in context.params]
    if any(source is not None and source.name == "COMMANDLINE" for source in sources):
        raise ConfigurationError(
            f"an option stands before {context.invoked_subcommand!r}", advice="write it after the command's name"
        )
