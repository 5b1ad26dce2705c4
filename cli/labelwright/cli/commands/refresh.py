"""``labelwright refresh``: open a refresh run by hand, and follow it until it ends."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Annotated

import typer
from labelwright.cli import options
from labelwright.cli.command_name import command_name
from labelwright.cli.exits import ExitCode
from labelwright.cli.screen import Screen, shown
from labelwright.cli.views.runs import cost_in_words, show_step
from labelwright.client import RetryPolicy, Run, RunClient, RunState, Trigger

_POLL_SECONDS = 1.0
# A wait of hours should outlast a restart of the registry.
_PATIENT, _PATIENT_SECONDS = RetryPolicy(attempts=1000), 120.0
_ENDS = {RunState.SUCCEEDED: ExitCode.OK, RunState.FAILED: ExitCode.FAILED}


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
