"""When an alert may open a run. Pure: from the task's settings and runs to an obstacle, or None."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from labelwright.core.run import Run, RunState, Trigger
from labelwright.core.task import Refresh

DAY = timedelta(hours=24)
ObstacleKind = Literal["no_sample", "open", "cooldown", "failures", "budget"]

_MOST_RUNS = 200


def newest(runs: Iterable[Run]) -> list[Run]:
    """Return the newest of a task's runs: as many as matter, which is more than there can be in a day."""
    return list(itertools.islice(runs, _MOST_RUNS))


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why an alert opens no run; ``kind`` is a short stable word."""

    kind: ObstacleKind
    message: str


def obstacle(refresh: Refresh, runs: Sequence[Run], now: datetime, max_failures: int) -> Obstacle | None:
    """Return why no run may be opened now, None where one may. ``runs`` are the task's, newest first.

    This is only about alerts: `labelwright refresh` opens a run at any time.
    """
    if not refresh.sample:
        return Obstacle("no_sample", "the task keeps no sample of recent records: set refresh.sample in task.toml")
    if runs and runs[0].state.is_open:
        return Obstacle("open", f"run {runs[0].id} is open")
    if runs and now < (until := runs[0].updated_at + timedelta(minutes=refresh.cooldown_minutes)):
        return Obstacle("cooldown", f"run {runs[0].id} ended a short time ago; the cooldown ends at {until:%H:%M} UTC")
    if failures_in_a_row(runs) >= max_failures:
        return Obstacle(
            "failures", f"the last {max_failures} runs failed: find out why, then run `labelwright refresh`"
        )
    if tokens_left(refresh, runs, now) <= 0:
        return Obstacle("budget", f"its runs have used up the day's {refresh.daily_tokens:,} tokens")
    return None


def failures_in_a_row(runs: Sequence[Run]) -> int:
    """Return how many of the newest runs failed in a row, counted back to a run that a person asked for."""
    count = 0
    for run in runs:
        if run.state is not RunState.FAILED:
            break
        count += 1
        if run.trigger is Trigger.MANUAL:
            break
    return count


def tokens_left(refresh: Refresh, runs: Sequence[Run], now: datetime) -> int:
    """Return how many tokens the task's runs may still use; runs that moved within the last day count."""
    used_tokens = sum(run.cost.tokens for run in runs if now - run.updated_at < DAY)
    return max(0, refresh.daily_tokens - used_tokens)


def trigger_key(occasion: str, runs: Sequence[Run]) -> str:
    """Return the key of a run for this occasion, such as an alert and when it began.

    An alert that still fires after a run has ended may open another, so the key has a number: workers that see the same
    runs make the same key, and only one of them opens a run.
    """
    prefix = f"{occasion}#"
    numbers = [run.trigger_key.removeprefix(prefix) for run in runs if run.trigger_key.startswith(prefix)]
    return f"{prefix}{max((int(number) for number in numbers if number.isdecimal()), default=0) + 1}"
