"""``labelwright refresh`` and ``labelwright runs``: open a refresh run and follow it; what runs did; decide on one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Annotated

import typer
from labelwright.cli import options
from labelwright.cli.command_name import command_name
from labelwright.cli.exits import ExitCode
from labelwright.cli.screen import Screen, shown
from labelwright.cli.views.runs import cost_in_words, show_run, show_runs, show_step
from labelwright.client import RetryPolicy, Review, Run, RunClient, RunState, Trigger
from labelwright.core.errors import ConfigurationError

RunId = Annotated[int, typer.Argument(metavar="ID", help="The run's number.")]
Why = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; kept with the run.")]

_POLL_SECONDS = 1.0
# A wait of hours should outlast a restart of the registry.
_PATIENT, _PATIENT_SECONDS = RetryPolicy(attempts=1000), 120.0
_ENDS = {RunState.SUCCEEDED: ExitCode.OK, RunState.FAILED: ExitCode.FAILED}

app = typer.Typer(
    rich_markup_mode=None,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def refresh(
    task: Annotated[str, typer.Argument(metavar="TASK", help="The task.")],
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Why; kept with the run.")
    ] = "asked for by hand",
    wait: Annotated[bool, typer.Option("--wait", help="Show each step until the run has ended.")] = False,
    actor: options.Actor = "",
    registry: options.RegistryAddress = options.REGISTRY,
    json: options.Json = False,
) -> None:
    """Have a worker rewrite a task's programs from recent records, and promote them if they are better.

    A task has at most one open run: if there is one, that one is shown. With --wait, ends with 0
    if the new programs are in production, 5 if the run failed, 1 if it ended otherwise.
    """
    screen = Screen(json=json)
    with RunClient(registry) as target:
        run, created = target.start(task, trigger=Trigger.MANUAL, reason=reason, actor=actor or options.default_actor())
    if not screen.json:
        state = "opened" if created else f"is open already: {shown(run.reason)}"
        screen.line(f"run {run.id} of {run.task} {state}", "bold")
    if wait:
        with RunClient(registry, timeout=_PATIENT_SECONDS, retry=_PATIENT) as source:
            run = _follow(screen, source, run.id)
    elif not screen.json:
        screen.note(f"next: {command_name()} runs show {run.id}")
    if screen.json:
        screen.document({"run": run, "created": created})
    raise typer.Exit(_ENDS.get(run.state, ExitCode.NO) if wait else ExitCode.OK)


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


def _follow(screen: Screen, source: RunClient, run_id: int) -> Run:
    """Show each step that is new, and return the run when it has ended."""
    shown_steps = 0
    for run in _each(source, run_id):
        if not screen.json:
            for step in run.steps[shown_steps:]:
                show_step(screen, step)
        if run.state is RunState.AWAITING_APPROVAL and len(run.steps) > shown_steps:
            screen.note(f"waits for a person: {command_name()} runs approve {run_id} --reason TEXT, or reject")
        shown_steps = len(run.steps)
    if not screen.json:
        screen.line(f"run {run_id} {run.state.value.replace('_', ' ')}; cost: {cost_in_words(run.cost)}", "bold")
    return run


def _each(source: RunClient, run_id: int) -> Iterator[Run]:
    """Yield the run again and again, until it has ended."""
    while True:
        run = source.get(run_id)
        yield run
        if run.state.is_end:
            return
        time.sleep(_POLL_SECONDS)
