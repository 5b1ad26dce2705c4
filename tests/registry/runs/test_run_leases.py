"""Who holds a run: by the clock, among many at once, and after a worker or the registry was killed."""

from __future__ import annotations

import multiprocessing
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from labelwright.client import RunClient
from labelwright.core.errors import LeaseLost, RunStateMismatch
from labelwright.core.run import Review, RunCost, RunState, Trigger
from labelwright.registry.runs.files import RunFileStore
from labelwright.registry.runs.rows import NewRun, new_row
from labelwright.registry.runs.runs import RunStore, Transition
from labelwright.registry.store.database import Database
from labelwright.registry.store.models import RunRow
from sqlalchemy import event

from tests.parts.registry import Registry
from tests.parts.runs import Runs, add_task, open_run

T, S = RunState.TRIGGERED, RunState.SAMPLED


class SetClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2030, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


def test_a_lease_ends_by_the_clock_and_the_next_claim_makes_another(database: Database) -> None:
    clock = SetClock()
    store, files = RunStore(database, clock), RunFileStore(database, clock)
    run_id, lease = open_run(database, store)
    clock.now += timedelta(seconds=59)
    assert store.claim("worker-2", 60, awaiting_approval=True) is None
    assert store.renew(run_id, lease, 60) == clock.now + timedelta(seconds=60)
    clock.now += timedelta(seconds=60)
    assert store.get(run_id).lease_holder == ""
    with pytest.raises(LeaseLost):
        store.renew(run_id, lease, 60)
    with pytest.raises(LeaseLost):
        files.put(run_id, lease, "late", b"", None)
    claimed = store.claim("worker-2", 60, awaiting_approval=False)
    assert claimed is not None
    assert claimed[0].lease_holder == "worker-2"
    assert claimed[1] != lease
    with pytest.raises(LeaseLost):
        store.advance(Transition(run_id, lease, T, S, "late"))
    assert store.advance(Transition(run_id, claimed[1], T, S, "sampled")).state is S


def test_the_database_itself_refuses_a_second_open_run_and_a_second_run_of_a_key(database: Database) -> None:
    store = RunStore(database)
    run_id, _ = open_run(database, store)
    now = datetime.now(UTC)
    with pytest.raises(sa.exc.IntegrityError), database.writing() as session:
        session.add(new_row(NewRun("spam", Trigger.MANUAL, "another", "why", "ada"), now))
    store.review(run_id, Review.CANCEL, "ada", "done")
    with pytest.raises(sa.exc.IntegrityError), database.writing() as session:
        session.add(new_row(NewRun("spam", Trigger.MANUAL, "key", "why", "ada"), now))
    with database.reading() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(RunRow)) == 1


def test_twenty_that_start_at_once_start_one_run(database: Database) -> None:
    store = RunStore(database)
    add_task(database, "spam")
    with ThreadPoolExecutor(20) as pool:
        answers = list(
            pool.map(lambda n: store.start(NewRun("spam", Trigger.ALERT, f"key-{n % 7}", "why", "ada")), range(20))
        )
    assert len({run.id for run, _ in answers}) == 1
    assert sum(created for _, created in answers) == 1


def test_ten_that_claim_at_once_get_a_run_each_and_the_rest_nothing(database: Database) -> None:
    store = RunStore(database)
    for number in range(4):
        add_task(database, f"task-{number}")
        store.start(NewRun(f"task-{number}", Trigger.MANUAL, "key", "why", "ada"))
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda n: store.claim(f"worker-{n}", 60, awaiting_approval=False), range(10)))
    # One that comes while another's claim is not committed yet may go away with nothing; what is left is there later.
    while claimed := store.claim("worker-late", 60, awaiting_approval=False):
        answers.append(claimed)
    claims = [answer for answer in answers if answer]
    assert sorted(run.task for run, _ in claims) == [f"task-{number}" for number in range(4)]
    assert len({lease for _, lease in claims}) == 4


def test_a_review_and_a_step_at_once_do_not_both_happen(database: Database) -> None:
    store = RunStore(database)
    run_id, lease = open_run(database, store)

    def cancel() -> bool:
        try:
            store.review(run_id, Review.CANCEL, "ada", "stop")
        except RunStateMismatch:
            return False
        return True

    def fail() -> bool:
        try:
            store.advance(Transition(run_id, lease, T, RunState.FAILED, "no records"))
        except LeaseLost:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        cancelled, failed = [future.result() for future in [pool.submit(cancel), pool.submit(fail)]]
    assert cancelled != failed
    run = store.get(run_id)
    assert [step.state for step in run.steps] == [T, RunState.CANCELLED if cancelled else RunState.FAILED]


def die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def end_and_die(when: str, url: str, run_id: int, lease: str) -> None:
    """End a run, in a process of its own, and be killed before or after the commit."""
    database = Database(url)
    if when == "before":
        event.listen(database.engine, "commit", die)
    RunStore(database).advance(Transition(run_id, lease, T, RunState.FAILED, "no records"))
    die()


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_killed_end_leaves_all_or_nothing(when: str, database: Database, database_url: str) -> None:
    store, files = RunStore(database), RunFileStore(database)
    run_id, lease = open_run(database, store)
    files.put(run_id, lease, "sample.jsonl", b"records", RunCost(calls=1))
    process = multiprocessing.get_context("spawn").Process(target=end_and_die, args=(when, database_url, run_id, lease))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    run = store.get(run_id)
    if when == "before":
        assert (run.state, run.lease_holder, files.names(run_id, "")) == (T, "worker-1", ["sample.jsonl"])
        assert store.advance(Transition(run_id, lease, T, S, "sampled")).state is S
    else:
        assert (run.state, run.lease_holder, files.names(run_id, "")) == (RunState.FAILED, "", [])
        assert store.start(NewRun("spam", Trigger.MANUAL, "next", "why", "ada"))[1]
    assert run.cost.calls == 1


def test_a_killed_registry_loses_nothing_that_it_had_confirmed(database_url: str, tmp_path: Path) -> None:
    registry = Registry(tmp_path / "data", database_url=database_url).start()
    with RunClient(registry.address) as client:
        run, lease = Runs(registry, client).leased(S)
        client.put_file(run.id, lease, "reply/1", b"label", RunCost(calls=1, tokens_in=7))
    registry.kill()
    registry.start()
    with RunClient(registry.address) as client:
        again = client.get(run.id)
        assert (again.state, again.steps, again.lease_holder) == (S, run.steps, "worker-1")
        assert (again.cost.tokens, client.get_file(run.id, "reply/1")) == (7, b"label")
        assert client.claim("worker-2", 60) is None
        client.advance(run.id, lease, S, RunState.SYNTHESIZED, "goes on where it stopped")
    assert registry.stop() == 0
