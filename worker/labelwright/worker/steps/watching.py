"""The last step: the new production version is watched on live traffic, and taken back where it does badly."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from labelwright.core.alias import PRODUCTION
from labelwright.core.errors import AliasMoved
from labelwright.core.report import Reference
from labelwright.core.run import RunState
from labelwright.worker.drift import coverage_drop, error_rise
from labelwright.worker.prometheus import Prometheus
from labelwright.worker.runs.held import Held
from labelwright.worker.runs.outcome import Advance, StepOutcome, Wait
from labelwright.worker.runs.parts import RunParts
from labelwright.worker.runs.production import newest_move, reason_of, version_of
from labelwright.worker.steps.traffic import fails_to_load, figures_since, serves_everywhere

FEWEST = 50
"""Records below which live traffic says nothing."""


def watch(parts: RunParts, held: Held) -> StepOutcome:
    """Wait for the end of the watch; roll back where the version fails before."""
    run = held.run
    if (present := version_of(parts.registry, run.task)) != run.candidate_version:
        return _moved(parts, held, present)
    promoted = parts.registry.download(run.task, version=run.candidate_version)
    minutes = promoted.bundle.task.refresh.watch_minutes
    if parts.prometheus is None or not minutes:
        why = "no Prometheus is set" if minutes else "task.toml sets no time to watch"
        return Advance(RunState.SUCCEEDED, f"Version {run.candidate_version} is production. Not watched: {why}.")
    found = _live(parts.prometheus, held)
    if trouble := _trouble(parts.prometheus, held, found, promoted.reference):
        return _roll_back(parts, held, trouble)
    if (datetime.now(UTC) - run.updated_at).total_seconds() < minutes * 60:
        return Wait("the promoted version is being watched")
    return Advance(RunState.SUCCEEDED, _told(run.candidate_version, minutes, found), _facts(found))


def _live(prometheus: Prometheus, held: Held) -> Reference | None:
    """Return coverage and errors since every label service has the version; None before, and without traffic."""
    run = held.run
    if held.all_live_since is None:
        if not serves_everywhere(prometheus, run.task, run.candidate_version):
            return None
        held.all_live_since = time.time()
    seconds = int(time.time() - held.all_live_since)
    return figures_since(prometheus, run.task, seconds) if seconds else None


def _trouble(prometheus: Prometheus, held: Held, found: Reference | None, reference: Reference | None) -> str:
    if fails_to_load(prometheus, held.run.task, held.run.candidate_version):
        return "a label service cannot load it"
    if found is None or reference is None or found.rows < FEWEST:
        return ""
    alarms = [str(item) for item in (error_rise(found, reference), coverage_drop(found, reference)) if item.alarms]
    return f"on {found.rows:,} records of live traffic: {'; '.join(alarms)}" if alarms else ""


def _roll_back(parts: RunParts, held: Held, trouble: str) -> Advance:
    run = held.run
    held.check()
    try:
        parts.registry.rollback(
            run.task,
            alias=PRODUCTION,
            actor=parts.name,
            reason=reason_of(run, trouble),
            expected_version=run.candidate_version,
        )
    except AliasMoved:
        return _moved(parts, held, version_of(parts.registry, run.task))
    present = version_of(parts.registry, run.task)
    return Advance(RunState.ROLLED_BACK, f"Production is version {present} again, because {trouble}.")


def _moved(parts: RunParts, held: Held, present: int) -> Advance:
    """Return the end of a run whose version is production no more: rolled back before a kill, or moved by a person."""
    said = newest_move(parts.registry, held.run.task)
    if present == held.run.base_version:
        return Advance(RunState.ROLLED_BACK, f"Production is version {present} again: {said}.")
    return Advance(RunState.CANCELLED, f"Production is version {present} now, so nothing is watched: {said}.")


def _told(version: int, minutes: int, found: Reference | None) -> str:
    seen = f"{found.rows:,} records got labels as expected" if found and found.rows >= FEWEST else "little traffic came"
    return f"Version {version} has been production for {minutes} minutes: {seen}."


def _facts(found: Reference | None) -> dict[str, object]:
    return {"records": found.rows, "coverage": found.coverage, "error": found.error} if found else {}
