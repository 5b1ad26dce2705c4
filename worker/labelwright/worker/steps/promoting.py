"""The fifth step: the candidate becomes production, through the gates."""

from __future__ import annotations

from labelwright.core.alias import PRODUCTION
from labelwright.core.errors import AliasMoved, GateFailed, RunStateMismatch
from labelwright.core.run import RunState
from labelwright.worker.runs.lease import RunLease
from labelwright.worker.runs.outcome import Advance
from labelwright.worker.runs.parts import RunParts
from labelwright.worker.runs.production import drop_candidate, newest_move, reason_of, version_of


def promote(parts: RunParts, lease: RunLease) -> Advance:
    """Move production from the base to the candidate, unless it was moved there already."""
    run = lease.run
    present_run = parts.runs.get(run.id)
    if present_run.state is not RunState.APPROVED:
        raise RunStateMismatch(f"run {run.id} is {present_run.state.value} by now")  # a person may have ended it
    try:
        parts.registry.set_alias(
            run.task,
            run.candidate_version,
            alias=PRODUCTION,
            actor=parts.name,
            reason=reason_of(run, present_run.steps[-1].message),
            expected_version=run.base_version,
        )
    except GateFailed as error:
        return Advance(RunState.REJECTED, f"A gate does not hold: {error.message}.")
    except AliasMoved:
        current = version_of(parts.registry, run.task)
        if current != run.candidate_version:
            move = newest_move(parts.registry, run.task)
            return Advance(RunState.CANCELLED, f"Production is version {current} now, not {run.base_version}: {move}.")
    drop_candidate(parts.registry, run)
    return Advance(
        RunState.PROMOTED, f"Version {run.candidate_version} is production, version {run.base_version} was before."
    )
