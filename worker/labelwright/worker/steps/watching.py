"""The last step: the new production version is watched on live traffic, and rolled back where it does badly."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from labelwright.core.alias import PRODUCTION
from labelwright.core.errors import AliasMoved
from labelwright.core.report import Reference
from labelwright.core.run import RunState
from labelwright.worker.drift import coverage_drop, error_rise
from labelwright.worker.prometheus import Prometheus
from labelwright.worker.runs.lease import RunLease
from labelwright.worker.runs.outcome import Advance, StepOutcome, Wait
from labelwright.worker.runs.parts import RunParts
from labelwright.worker.runs.production import newest_move, reason_of, version_of
from labelwright.worker.steps.traffic import fails_to_load, figures_since, serves_everywhere

FEWEST = 50
"""With fewer records live traffic says nothing."""


def watch(parts: RunParts, lease: RunLease) -> StepOutcome:
    """Wait for the end of the watch; roll back where the version fails before that."""
    run = lease.run
    if (current := version_of(parts.registry, run.task)) != run.candidate_version:
        return _moved(parts, lease, current)
    promoted = parts.registry.download(run.task, version=run.candidate_version)
    minutes = promoted.bundle.task.refresh.watch_minutes
    if parts.prometheus is None or not minutes:
        why = "no Prometheus is set" if minutes else "task.toml sets no time to watch"
        return Advance(RunState.SUCCEEDED, f"Version {run.candidate_version} is production. Not watched: {why}.")
    figures = _live(parts.prometheus, lease)
    if trouble := _trouble(parts.prometheus, lease, figures, promoted.reference):
        return _roll_back(parts, lease, trouble)
    if (datetime.now(UTC) - run.updated_at).total_seconds() < minutes * 60:
        return Wait("the promoted version is being watched")
    return Advance(RunState.SUCCEEDED, _summary(run.candidate_version, minutes, figures), _facts(figures))


def _live(prometheus: Prometheus, lease: RunLease) -> Reference | None:
    """Return coverage and errors since every label service has the version; None before that and without traffic."""
    run = lease.run
    if lease.all_live_since is None:
        if not serves_everywhere(prometheus, run.task, run.candidate_version):
            return None
        lease.all_live_since = time.time()
    seconds = int(time.time() - lease.all_live_since)
    return figures_since(prometheus, run.task, seconds) if seconds else None


def _trouble(prometheus: Prometheus, lease: RunLease, figures: Reference | None, reference: Reference | None) -> str:
    if fails_to_load(prometheus, lease.run.task, lease.run.candidate_version):
        return "a label service cannot load it"
    if figures is None or reference is None or figures.rows < FEWEST:
        return ""
    alarms = [str(item) for item in (error_rise(figures, reference), coverage_drop(figures, reference)) if item.alarms]
    return f"on {figures.rows:,} records of live traffic: {'; '.join(alarms)}" if alarms else ""


def _roll_back(parts: RunParts, lease: RunLease, trouble: str) -> Advance:
    run = lease.run
    lease.check()
    try:
        parts.registry.rollback(
            run.task,
            alias=PRODUCTION,
            actor=parts.name,
            reason=reason_of(run, trouble),
            expected_version=run.candidate_version,
        )
    except AliasMoved:
        return _moved(parts, lease, version_of(parts.registry, run.task))
    current = version_of(parts.registry, run.task)
    return Advance(RunState.ROLLED_BACK, f"Production is version {current} again, because {trouble}.")


def _moved(parts: RunParts, lease: RunLease, current: int) -> Advance:
    """Return the end of a run whose version is no longer production: rolled back before a kill, or by a person."""
    move = newest_move(parts.registry, lease.run.task)
    if current == lease.run.base_version:
        return Advance(RunState.ROLLED_BACK, f"Production is version {current} again: {move}.")
    return Advance(RunState.CANCELLED, f"Production is version {current} now, so nothing is watched: {move}.")


def _summary(version: int, minutes: int, figures: Reference | None) -> str:
    remark = (
        f"{figures.rows:,} records got labels as expected"
        if figures and figures.rows >= FEWEST
        else "little traffic came"
    )
    return f"Version {version} has been production for {minutes} minutes: {remark}."


def _facts(figures: Reference | None) -> dict[str, object]:
    return {"records": figures.rows, "coverage": figures.coverage, "error": figures.error} if figures else {}
