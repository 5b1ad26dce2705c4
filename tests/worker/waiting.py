"""Waiting for what a run does."""

from __future__ import annotations

import time

from labelwright.client import RunClient
from labelwright.core.run import Run, RunState, Trigger

_SECONDS = 120.0


def refresh(runs: RunClient, task: str) -> Run:
    """Ask for a run, as a person does."""
    run, created = runs.start(task, trigger=Trigger.MANUAL, reason="a test asked for it", actor="ada")
    assert created
    return run


def wait_for(runs: RunClient, run_id: int, *states: RunState, seconds: float = _SECONDS) -> Run:
    """Return the run once it is in one of the states, or ended where none is named."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        run = runs.get(run_id)
        if run.state in states or (not states and run.state.is_end):
            return run
        assert run.state.is_open, story(run)
        time.sleep(0.05)
    raise AssertionError(story(runs.get(run_id)))


def story(run: Run) -> str:
    """Return what happened, for a test that fails."""
    return "\n".join(f"{step.at:%H:%M:%S} {step.state.value}: {step.message} {step.facts}" for step in run.steps)
