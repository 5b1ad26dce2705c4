"""The first step: recent records are read and kept."""

from __future__ import annotations

from labelwright.core.run import RunState
from labelwright.core.task import Task
from labelwright.worker.runs.lease import RunLease
from labelwright.worker.runs.outcome import Advance
from labelwright.worker.runs.parts import RunParts
from labelwright.worker.runs.production import version_of
from labelwright.worker.runs.recent_records import FEWEST, SAMPLE_FILE, are_enough, keep_records


def take_sample(parts: RunParts, lease: RunLease) -> Advance:
    """Keep the task's recent records as a file of the run."""
    base = version_of(parts.registry, lease.run.task)
    if not base:
        return Advance(RunState.FAILED, "The task has no production version: there is nothing to refresh.")
    task = parts.registry.download(lease.run.task, version=base).bundle.task
    packed = parts.recent.read(task)
    facts = {"records": len(packed), "distinct": len(set(packed))}
    if not are_enough(packed):
        return Advance(
            RunState.FAILED,
            f"There are {facts['distinct']} distinct recent records; at least {FEWEST} are needed. {_advice(task)}",
            facts,
            base_version=base,
        )
    keep_records(lease, SAMPLE_FILE, packed)
    message = (
        f"{len(packed):,} recent records, {facts['distinct']:,} of them distinct, are kept to learn from; "
        f"version {base} is production."
    )
    return Advance(RunState.SAMPLED, message, facts, base_version=base)


def _advice(task: Task) -> str:
    if not task.refresh.sample:
        return "Label services keep them where task.toml says so: [refresh] sample = true."
    return "Label services and the worker must use the same Redis, and records must have come lately."
