"""Refresh runs in the database: opened, leased to one worker at a time, moved from state to state, ended."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from labelwright.core.errors import RunStateMismatch, StorageFull, VersionNotFound
from labelwright.core.run import Review, Run, RunState
from labelwright.registry.runs.rows import (
    NewRun,
    end_run,
    is_lease,
    leased_run,
    locked_run,
    new_row,
    require_lease,
    require_run,
    run_of,
    steps_of,
    take_lease,
    write_step,
)
from labelwright.registry.store.database import Database
from labelwright.registry.store.models import RunRow, RunStepRow, TaskRow, VersionRow
from labelwright.registry.store.versions import require_task
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

MAX_STEPS = 200
"""Steps of a run. Above this number only steps that change its state are written."""

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the registry's current time."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Transition:
    """A request by the lease's holder to move a run to a state. ``facts`` is JSON; a version of 0 means no change."""

    run_id: int
    lease: str
    from_state: RunState
    to_state: RunState
    message: str
    facts: str = ""
    base_version: int = 0
    candidate_version: int = 0


class RunStore:
    """Finds, opens and moves runs.

    Leases are fenced by their random token: each claim makes a new one, and every write by a worker is checked
    against it under the run's lock. So it does no harm where the clocks of two registry processes differ: a run is
    only taken over sooner or later than promised.
    """

    def __init__(self, database: Database, clock: Clock = utc_now) -> None:
        self._database = database
        self._clock = clock

    def start(self, new: NewRun) -> tuple[Run, bool]:
        """Return a run and whether it was opened now. Raises TaskNotFound.

        It is the run that this key opened before, or else the open one, or else a new one.
        """
        with self._database.writing() as session:
            # Starts of one task are serialized; the unique columns alone would make the second one fail.
            session.execute(select(TaskRow).where(TaskRow.name == new.task).with_for_update(key_share=True))
            require_task(session, new.task)
            same_key = (RunRow.task == new.task) & (RunRow.trigger_key == new.trigger_key)
            row = session.scalar(select(RunRow).where(same_key)) or session.scalar(
                select(RunRow).where(RunRow.open_task == new.task)
            )
            now = self._clock()
            if row is not None:
                return run_of(row, now), False
            row = new_row(new, now)
            session.add(row)
            session.flush()
            write_step(session, row, RunState.TRIGGERED, now, new.actor, new.reason)
            return run_of(row, now), True

    def claim(self, worker: str, seconds: int, *, awaiting_approval: bool) -> tuple[Run, str] | None:
        """Give ``worker`` the open run that has waited longest, with its steps and a lease; None where there is none.

        Two workers that claim at once never get the same run: PostgreSQL skips locked rows, SQLite has one writer.
        """
        with self._database.writing() as session:
            now = self._clock()
            is_free = or_(RunRow.lease_expires_at.is_(None), RunRow.lease_expires_at <= now)
            query = select(RunRow).where(RunRow.open_task.is_not(None), is_free)
            if not awaiting_approval:
                query = query.where(RunRow.state != RunState.AWAITING_APPROVAL.value)
            query = query.order_by(RunRow.waits_since, RunRow.id).limit(1)
            row = session.scalar(query.with_for_update(skip_locked=True))
            if row is None:
                return None
            row.lease = secrets.token_urlsafe(24)
            row.lease_holder = worker
            row.lease_expires_at = now + timedelta(seconds=seconds)
            row.waits_since = now
            return run_of(row, now, steps_of(session, row.id)), row.lease

    def renew(self, run_id: int, lease: str, seconds: int) -> datetime:
        """Extend the lease to ``seconds`` from now and return its end; 0 releases it. Raises LeaseLost."""
        with self._database.writing() as session:
            now = self._clock()
            row = leased_run(session, run_id, lease, now)
            until = now + timedelta(seconds=seconds)
            row.lease_expires_at = until
            if not seconds:
                take_lease(row)
            return until

    def advance(self, step: Transition) -> Run:
        """Move the run and write the step. Raises LeaseLost, RunStateMismatch, VersionNotFound, StorageFull.

        Repeating the last step changes nothing, even where it ended the run: a caller that lost the answer may retry.
        """
        with self._database.writing() as session:
            now = self._clock()
            row = locked_run(session, step.run_id)
            if _is_repeated(session, row, step):
                return run_of(row, now)
            require_lease(row, step.lease, now)
            _require_transition(row, step)
            for number in (step.base_version, step.candidate_version):
                _require_version(session, row.task, number)
            row.base_version = step.base_version or row.base_version
            row.candidate_version = step.candidate_version or row.candidate_version
            write_step(session, row, step.to_state, now, row.lease_holder, step.message, step.facts)
            if step.to_state.is_end:
                end_run(session, row)
            return run_of(row, now)

    def review(self, run_id: int, review: Review, actor: str, reason: str) -> Run:
        """Apply a person's decision; one that ends the run takes the lease from its holder. Raises RunStateMismatch."""
        with self._database.writing() as session:
            now = self._clock()
            row = locked_run(session, run_id)
            state = RunState(row.state)
            if state not in review.possible_in:
                raise _mismatch(row, f"so there is nothing to {review.value}")
            write_step(session, row, review.leads_to, now, actor, reason)
            if review.leads_to.is_end:
                take_lease(row)
                end_run(session, row)
            return run_of(row, now)

    def get(self, run_id: int) -> Run:
        """Return the run with its steps. Raises RunNotFound."""
        with self._database.reading() as session:
            row = require_run(session, run_id)
            return run_of(row, self._clock(), steps_of(session, run_id))

    def page(self, task: str, size: int, before: int | None, *, only_open: bool) -> list[Run]:
        """Return up to ``size`` runs with numbers below ``before``, newest first; of every task where it is empty.

        Raises TaskNotFound.
        """
        query = select(RunRow).order_by(RunRow.id.desc()).limit(size)
        if task:
            query = query.where(RunRow.task == task)
        if only_open:
            query = query.where(RunRow.open_task.is_not(None))
        if before is not None:
            query = query.where(RunRow.id < before)
        with self._database.reading() as session:
            if task:
                require_task(session, task)
            now = self._clock()
            return [run_of(row, now) for row in session.scalars(query)]

    def count_open(self) -> int:
        """Return how many runs are open."""
        with self._database.reading() as session:
            return session.scalar(select(func.count()).where(RunRow.open_task.is_not(None))) or 0


def _is_repeated(session: Session, row: RunRow, step: Transition) -> bool:
    if row.state != step.to_state.value or not is_lease(row, step.lease):
        return False
    last = session.get_one(RunStepRow, (row.id, row.steps))
    return (last.message, last.facts) == (step.message, step.facts)


def _require_transition(row: RunRow, step: Transition) -> None:
    if row.state != step.from_state.value:
        raise _mismatch(row, f"not {_words(step.from_state)} as expected")
    if not step.from_state.may_become(step.to_state):
        raise _mismatch(row, f"and cannot become {_words(step.to_state)} from there")
    if step.to_state is step.from_state and row.steps >= MAX_STEPS:
        raise StorageFull(
            f"run {row.id} has {row.steps} steps; no more are written that leave its state as it is",
            advice="move it on, or end it",
            run=row.id,
        )


def _require_version(session: Session, task: str, number: int) -> None:
    if number and session.get(VersionRow, (task, number)) is None:
        raise VersionNotFound(f"task {task!r} has no version {number}", advice="push it first", task=task)


def _mismatch(row: RunRow, why: str) -> RunStateMismatch:
    return RunStateMismatch(
        f"run {row.id} is {_words(RunState(row.state))}, {why}",
        advice="look at the run's steps",
        run=row.id,
        state=row.state,
    )


def _words(state: RunState) -> str:
    return state.value.replace("_", " ")
