"""Runs that a task has had."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from labelwright.core.run import Run, RunCost, RunState, Trigger

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def past_run(
    state: RunState = RunState.SUCCEEDED,
    *,
    minutes: float = 100,
    trigger: Trigger = Trigger.ALERT,
    tokens: int = 0,
    key: str = "",
) -> Run:
    """Return a run that moved last so many minutes ago."""
    at = NOW - timedelta(minutes=minutes)
    return Run(1, "spam", trigger, key, "", state, at, at, cost=RunCost(1, tokens, 0))
