"""How refresh runs look to people: a table of many, and one with all of its steps."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from labelwright.cli.screen import Screen, shown
from labelwright.cli.views.reports import table
from labelwright.client import Run, RunCost, RunState, RunStep
from rich.text import Text

_STYLES = {
    RunState.AWAITING_APPROVAL: "bold yellow",
    RunState.SUCCEEDED: "green",
    RunState.REJECTED: "yellow",
    RunState.ROLLED_BACK: "yellow",
    RunState.FAILED: "red",
    RunState.CANCELLED: "dim",
}
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_REASON_WIDTH = 80
_UNITS = ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min"), (1, "s"))


def show_runs(screen: Screen, runs: Iterable[Run], now: datetime) -> None:
    """Show one line a run."""
    rows = table("run", texts=("task", "state", "trigger", "age", "cost", "reason"))
    for run in runs:
        rows.add_row(
            str(run.id),
            Text(shown(run.task)),
            Text(_words(run.state), style=_style(run.state)),
            run.trigger.value,
            duration(now - run.created_at),
            cost_in_words(run.cost),
            Text(shown(run.reason, _REASON_WIDTH)),
        )
    screen.show(rows)


def show_run(screen: Screen, run: Run, now: datetime) -> None:
    """Show one run and all of its steps."""
    screen.line(f"run {run.id} of {shown(run.task)}: {_words(run.state)}", f"bold {_style(run.state)}".strip())
    how = "by hand" if run.trigger.value == "manual" else "by an alert"
    screen.line(f"opened {_moment(run.created_at)}, {duration(now - run.created_at)} ago, {how}: {shown(run.reason)}")
    if run.lease_holder and run.lease_expires_at:
        left = duration(run.lease_expires_at - now)
        screen.line(f"held by {shown(run.lease_holder)} for {left} more, unless renewed")
    elif run.state.is_open:
        screen.line("held by nobody")
    if run.candidate_version or run.base_version:
        base = f"{run.task}@{run.base_version}" if run.base_version else "not known"
        candidate = f"{run.task}@{run.candidate_version}" if run.candidate_version else "none yet"
        screen.line(f"production was {shown(base)}; the candidate is {shown(candidate)}")
    screen.line(f"cost: {cost_in_words(run.cost)}")
    for step in run.steps:
        screen.line("")
        show_step(screen, step)


def show_step(screen: Screen, step: RunStep) -> None:
    """Show a step: when, the state after it, who; below that what was done, and the figures."""
    screen.out.print(
        Text.assemble(
            (f"{_moment(step.at)}  ", "dim"),
            (_words(step.state), f"bold {_style(step.state)}".strip()),
            (f"  {shown(step.actor)}", "dim"),
        ),
        soft_wrap=True,
    )
    for line in step.message.split("\n"):
        screen.line(f"    {shown(line)}")
    for name, value in _flat(step.facts):
        screen.line(f"    {shown(name)}: {shown(value)}", "dim")


def duration(time: timedelta) -> str:
    """Return the time in its largest unit, as in "3 min"."""
    seconds = max(0, int(time.total_seconds()))
    size, unit = next(((size, unit) for size, unit in _UNITS if seconds >= size), _UNITS[-1])
    return f"{seconds // size} {unit}"


def cost_in_words(cost: RunCost) -> str:
    """Return the tokens, and the dollars if the price is known and not zero."""
    if not cost.calls:
        return "none"
    dollars = f", ${cost.dollars:.4f}" if cost.dollars else ""
    return f"{cost.tokens:,} tokens{dollars}"


def _flat(facts: Mapping[str, object], above: str = "") -> Iterator[tuple[str, str]]:
    """Yield each figure with its name; the plain figures of an inner table share a line."""
    for key, value in facts.items():
        name = f"{above}{key}"
        if isinstance(value, Mapping) and not all(_is_plain(item) for item in value.values()):
            yield from _flat(value, f"{name}.")
        elif isinstance(value, Mapping):
            yield name, ", ".join(f"{label} {_plain(item)}" for label, item in value.items()) or "none"
        elif isinstance(value, list) and all(_is_plain(item) for item in value):
            yield name, ", ".join(map(_plain, value)) or "none"
        else:
            yield name, _plain(value)


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, str | int | float)


def _plain(value: object) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case str():
            return value
        case int():
            return f"{value:,}"
        case float():
            return f"{value:.4g}"
        case _:
            return json.dumps(value, ensure_ascii=False)


def _words(state: RunState) -> str:
    return state.value.replace("_", " ")


def _style(state: RunState) -> str:
    return _STYLES.get(state, "cyan")


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}"
