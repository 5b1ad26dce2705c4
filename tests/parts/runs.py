"""Tasks with runs for the tests of runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import pairwise

from labelwright.client import RunClient
from labelwright.core.run import Run, RunState, Trigger
from labelwright.registry.runs.rows import NewRun
from labelwright.registry.runs.runs import RunStore
from labelwright.registry.store.database import Database
from labelwright.registry.store.models import TaskRow

from tests.parts.registry import Registry, push
from tests.registry.bundles import new_name, variant

FORWARD = (
    RunState.TRIGGERED,
    RunState.SAMPLED,
    RunState.SYNTHESIZED,
    RunState.SHADOWING,
    RunState.AWAITING_APPROVAL,
    RunState.APPROVED,
    RunState.PROMOTED,
    RunState.SUCCEEDED,
)
"""The longest way from a trigger to success."""


class Runs:
    """Runs of a registry; ``client`` talks to it."""

    def __init__(self, registry: Registry, client: RunClient) -> None:
        self.registry = registry
        self.client = client

    def task(self, versions: int = 1) -> str:
        """Return the name of a new task with so many versions."""
        name = new_name()
        for number in range(versions):
            push(self.registry.stub(), variant(name, number))
        return name

    def start(self, task: str, key: str = "") -> Run:
        """Open a run that is not open yet."""
        run, created = self.client.start(
            task, trigger=Trigger.MANUAL, key=key, reason="spam of a new kind", actor="ada"
        )
        assert created
        return run

    def leased(self, state: RunState = RunState.TRIGGERED, seconds: int = 600) -> tuple[Run, str]:
        """Return a new run in this state, and the lease on it. No other run is left to be claimed afterwards."""
        run = self.start(self.task(2))
        lease = self.claim(run.id, seconds)
        for before, after in pairwise(FORWARD):
            if before is state:
                break
            run = self.client.advance(run.id, lease, before, after, f"now {after.value}")
        return self.client.get(run.id), lease

    def claim(self, run_id: int, seconds: int = 600) -> str:
        """Return a lease on this run; whatever else can be claimed is taken out of the way."""
        while claimed := self.client.claim("worker-1", seconds, awaiting_approval=True):
            run, lease = claimed
            if run.id == run_id:
                return lease
        raise AssertionError(f"run {run_id} could not be claimed")


@contextmanager
def runs_of(registry: Registry) -> Iterator[Runs]:
    with RunClient(registry.address) as client:
        yield Runs(registry, client)


def open_run(database: Database, store: RunStore, task: str = "spam") -> tuple[int, str]:
    """Open a run in a database without a server, and return its number and the lease on it."""
    add_task(database, task)
    run, _ = store.start(NewRun(task, Trigger.MANUAL, "key", "why", "ada"))
    claimed = store.claim("worker-1", 60, awaiting_approval=False)
    assert claimed is not None
    assert claimed[0].id == run.id
    return run.id, claimed[1]


def add_task(database: Database, task: str) -> None:
    """Let the database know a task."""
    with database.writing() as session:
        session.add(TaskRow(name=task, created_at=datetime.now(UTC)))
