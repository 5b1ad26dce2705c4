"""Refresh runs as rows: read, locked, leased, written. The stores combine these functions into transactions."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime

from labelwright.core.errors import LeaseLost, RunNotFound
from labelwright.core.run import Run, RunCost, RunState, RunStep, Trigger, facts_from_text
from labelwright.registry.store.models import RunFileRow, RunRow, RunStepRow
from sqlalchemy import delete, select
from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class NewRun:
    """What a new run is opened with."""

    task: str
    trigger: Trigger
    trigger_key: str
    reason: str
    actor: str


def new_row(new: NewRun, now: datetime) -> RunRow:
    """Return the row of a run that is opened at ``now``."""
    return RunRow(
        task=new.task,
        trigger=new.trigger.value,
        trigger_key=new.trigger_key,
        reason=new.reason,
        state=RunState.TRIGGERED.value,
        open_task=new.task,
        created_at=now,
        updated_at=now,
        waits_since=now,
        lease="",
        lease_holder="",
        lease_expires_at=None,
        base_version=0,
        candidate_version=0,
        calls=0,
        tokens_in=0,
        tokens_out=0,
        dollars=0.0,
        steps=0,
        files=0,
        file_bytes=0,
    )


def run_of(row: RunRow, now: datetime, steps: tuple[RunStep, ...] = ()) -> Run:
    """Return the run as it is at ``now``."""
    is_held = row.lease_expires_at is not None and row.lease_expires_at > now
    return Run(
        id=row.id,
        task=row.task,
        trigger=Trigger(row.trigger),
        trigger_key=row.trigger_key,
        reason=row.reason,
        state=RunState(row.state),
        created_at=row.created_at,
        updated_at=row.updated_at,
        lease_holder=row.lease_holder if is_held else "",
        lease_expires_at=row.lease_expires_at if is_held else None,
        base_version=row.base_version,
        candidate_version=row.candidate_version,
        cost=RunCost(row.calls, row.tokens_in, row.tokens_out, row.dollars),
        steps=steps,
    )


def steps_of(session: Session, run_id: int) -> tuple[RunStep, ...]:
    """Return the run's steps, oldest first."""
    query = select(RunStepRow).where(RunStepRow.run_id == run_id).order_by(RunStepRow.number)
    return tuple(
        RunStep(RunState(row.state), row.at, row.actor, row.message, facts_from_text(row.facts))
        for row in session.scalars(query)
    )


def write_step(
    session: Session, row: RunRow, state: RunState, at: datetime, actor: str, message: str, facts: str = ""
) -> None:
    """Add the next step and set the run's state."""
    row.steps += 1
    row.state = state.value
    row.updated_at = at
    session.add(
        RunStepRow(run_id=row.id, number=row.steps, state=state.value, at=at, actor=actor, message=message, facts=facts)
    )


def require_run(session: Session, run_id: int) -> RunRow:
    """Return the run's row. Raises RunNotFound."""
    row = session.get(RunRow, run_id)
    if row is None:
        raise no_run(run_id)
    return row


def locked_run(session: Session, run_id: int) -> RunRow:
    """Return the run's row, locked until the commit. Raises RunNotFound."""
    row = session.get(RunRow, run_id, with_for_update=True)
    if row is None:
        raise no_run(run_id)
    return row


def leased_run(session: Session, run_id: int, lease: str, now: datetime) -> RunRow:
    """Return the run's row, locked until the commit. Raises RunNotFound, and LeaseLost where the lease is not held."""
    row = locked_run(session, run_id)
    require_lease(row, lease, now)
    return row


def require_lease(row: RunRow, lease: str, now: datetime) -> None:
    """Raise LeaseLost where ``lease`` does not hold the run at ``now``."""
    if not is_lease(row, lease) or row.lease_expires_at is None or row.lease_expires_at <= now:
        raise LeaseLost(
            f"the lease on run {row.id} is not held, or no longer",
            advice="leave the run to whoever holds it, and claim again",
            run=row.id,
        )


def is_lease(row: RunRow, lease: str) -> bool:
    """Whether ``lease`` is the last token that was issued for the run, whether it is still valid or not."""
    return bool(lease) and hmac.compare_digest(row.lease.encode(), lease.encode())


def take_lease(row: RunRow) -> None:
    """Take the run from whoever holds it; the token that was issued becomes worthless."""
    row.lease = row.lease_holder = ""
    row.lease_expires_at = None


def end_run(session: Session, row: RunRow) -> None:
    """Let the task have its next run, and delete the files: they hold records. The token stays, for repetitions."""
    row.open_task = None
    row.lease_holder = ""
    row.lease_expires_at = None
    row.files = row.file_bytes = 0
    session.execute(delete(RunFileRow).where(RunFileRow.run_id == row.id))


def no_run(run_id: int) -> RunNotFound:
    """Return the error that says so."""
    return RunNotFound(f"there is no run {run_id}", advice="list the runs", run=run_id)
