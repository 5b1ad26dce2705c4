from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from labelwright.cli.screen import Screen
from labelwright.cli.views.runs import duration, show_run, show_runs
from labelwright.client import Registry, Run, RunClient, RunCost, RunState, RunStep, Trigger

from tests.parts.command import Command
from tests.parts.example_bundles import SPAM, renamed
from tests.parts.registry import Registry as RegistryProcess
from tests.parts.runs import FORWARD

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def runs(registry: RegistryProcess) -> Iterator[RunClient]:
    with RunClient(registry.address) as client:
        yield client


@pytest.fixture
def task(registry_client: Registry, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """A task of the test's own."""
    name: str = "runs-" + request.node.name.split("[")[0].removeprefix("test_").replace("_", "-")[:50]
    registry_client.push(renamed(SPAM, name, tmp_path), author="tests")
    return name


def work(runs: RunClient, task: str, *states: RunState) -> None:
    """Wait until the task has an open run, and walk it through these states."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for run in runs.list(task, open=True):
            walk(runs, run.id, *states)
            return
        time.sleep(0.05)


def walk(runs: RunClient, run_id: int, *states: RunState) -> None:
    """Be the worker that moves the run through these states, the first of which it has."""
    while claimed := runs.claim("worker-1", 600, awaiting_approval=True):
        run, lease = claimed
        if run.id == run_id:
            break
    for before, after in pairwise(states):
        runs.advance(run_id, lease, before, after, f"now {after.value}", {"records": 1234, "share": 0.123456})
    if states[-1].is_open:
        runs.renew(run_id, lease, 0)


def test_a_run_from_refresh_to_approval(labelwright: Command, runs: RunClient, task: str) -> None:
    labelwright("runs", "--task", task)
    opened = labelwright.json("refresh", task, "--reason", "spam of a new kind", "--actor", "ann")
    run = opened["run"]
    assert (opened["created"], run["state"], run["trigger"]) == (True, "triggered", "manual")
    again = labelwright.json("refresh", task)
    assert (again["created"], again["run"]["id"]) == (False, run["id"])
    assert "is open already: spam of a new kind" in labelwright("refresh", task).stdout
    walk(runs, run["id"], *FORWARD[:5])
    listed = labelwright("runs", "--task", task, "--open").stdout
    assert all(word in listed for word in (str(run["id"]), task, "awaiting approval", "manual", "spam of a new kind"))
    shown = labelwright("runs", "show", run["id"])
    assert f"labelwright runs approve {run['id']}" in shown.stderr
    for words in ("awaiting approval  worker-1", "now shadowing", "records: 1,234", "share: 0.1235", "triggered  ann"):
        assert words in shown.stdout
    assert labelwright.json("runs", "approve", run["id"], "--reason", "looks right")["run"]["state"] == "approved"
    labelwright("runs", "reject", run["id"], "--reason", "too late", exits=1)
    steps = labelwright.json("runs", "show", run["id"])["run"]["steps"]
    assert [step["state"] for step in steps] == [state.value for state in FORWARD[:6]]
    assert steps[-1]["message"] == "looks right"
    assert steps[1]["facts"] == {"records": 1234, "share": 0.123456}
    assert "run" in labelwright("runs", "cancel", run["id"], "--reason", "stop").stdout
    assert labelwright.json("runs", "--task", task, "--open")["runs"] == []
    assert [item["state"] for item in labelwright.json("runs", "--task", task)["runs"]] == ["cancelled"]


@pytest.mark.parametrize(
    ("states", "exits"),
    [
        (FORWARD[:4] + FORWARD[5:], 0),
        ((*FORWARD[:4], RunState.REJECTED), 1),
        ((*FORWARD[:2], RunState.FAILED), 5),
        ((RunState.TRIGGERED, RunState.CANCELLED), 1),
    ],
)
def test_waiting_shows_each_step_and_ends_as_the_run_does(
    states: tuple[RunState, ...], exits: int, labelwright: Command, runs: RunClient, task: str
) -> None:
    worker = threading.Thread(target=work, args=(runs, task, *states))
    worker.start()
    output = labelwright("refresh", task, "--wait", exits=exits).stdout
    worker.join()
    assert [output.count(f"now {state.value}\n") for state in states[1:]] == [1] * (len(states) - 1)
    assert f" {states[-1].value}; cost: none" in output


def test_waiting_with_json_prints_one_document(labelwright: Command, runs: RunClient, task: str) -> None:
    worker = threading.Thread(target=work, args=(runs, task, RunState.TRIGGERED, RunState.FAILED))
    worker.start()
    document = labelwright.json("refresh", task, "--wait", exits=5)
    worker.join()
    assert (document["created"], document["run"]["state"], len(document["run"]["steps"])) == (True, "failed", 2)


def test_what_is_refused(labelwright: Command, runs: RunClient, task: str) -> None:
    labelwright("refresh", "nosuch", exits=4)
    labelwright("runs", "--task", "nosuch", exits=4)
    for number in (0, 99_999, -1):
        labelwright("runs", "show", "--", number, exits=4)
    run, _ = runs.start(task, trigger=Trigger.MANUAL, reason="why", actor="ann")
    labelwright("runs", "approve", run.id, "--reason", "early", exits=1)
    labelwright("runs", "cancel", run.id, exits=2)
    labelwright("runs", "cancel", run.id, "--reason", " ", exits=2)
    labelwright("refresh", task, "--reason", "", exits=2)
    assert "write it after" in labelwright("runs", "--task", task, "show", run.id, exits=2).stderr
    failure = labelwright.json("runs", "reject", run.id, "--reason", "early", exits=1)["error"]
    assert failure["reason"] == "RUN_STATE_MISMATCH"
    assert runs.get(run.id).state is RunState.TRIGGERED


def test_text_from_outside_does_no_harm(capsys: pytest.CaptureFixture[str]) -> None:
    now = datetime.now(UTC)
    evil = "evil\x1b[2J\u202e\n"
    facts: dict[str, object] = {evil: evil, "inner": {evil: [evil, None, True], "odd": [{"x": evil}]}, "empty": {}}
    run = Run(
        id=7,
        task=evil,
        trigger=Trigger.ALERT,
        trigger_key=evil,
        reason=evil,
        state=RunState.SHADOWING,
        created_at=now,
        updated_at=now,
        lease_holder=evil,
        lease_expires_at=now + timedelta(minutes=3),
        cost=RunCost(3, 1000, 200, 0.5),
        steps=(RunStep(RunState.SHADOWING, now, evil, evil, facts),),
    )
    screen = Screen()
    show_run(screen, run, now)
    show_runs(screen, [run], now)
    output = capsys.readouterr().out
    assert "\x1b" not in output
    assert "\u202e" not in output
    assert "for 3 min more" in output
    assert "1,200 tokens, $0.5000" in output
    assert "none, yes" in output


@pytest.mark.parametrize(
    ("seconds", "words"), [(-5, "0 s"), (0, "0 s"), (59.9, "59 s"), (60, "1 min"), (7199, "1 h"), (200_000, "2 d")]
)
def test_durations(seconds: float, words: str) -> None:
    assert duration(timedelta(seconds=seconds)) == words
