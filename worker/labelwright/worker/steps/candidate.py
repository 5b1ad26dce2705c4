"""The third step: the bundle is pushed and named the candidate, which label services evaluate beside production."""

from __future__ import annotations

from labelwright.core.finding import Severity
from labelwright.core.report import Report
from labelwright.core.run import RunState
from labelwright.worker.runs.lease import RunLease
from labelwright.worker.runs.outcome import Advance
from labelwright.worker.runs.parts import RunParts
from labelwright.worker.runs.production import CANDIDATE, moved_meanwhile, reason_of
from labelwright.worker.steps.writing import kept_bundle

_FINDINGS = 3


def push_candidate(parts: RunParts, lease: RunLease) -> Advance:
    """Push the bundle, which gives the same version each time, and name it ``candidate``."""
    run = lease.run
    if cancelled := moved_meanwhile(parts.registry, run):
        return cancelled
    result = parts.registry.push(kept_bundle(lease), author=parts.name, message=reason_of(run, run.reason))
    if result.version is None:
        return Advance(RunState.FAILED, f"The registry refuses the bundle: {_refusal(result.report)}.")
    number = result.version.number
    lease.check()
    parts.registry.set_alias(
        run.task, number, alias=CANDIDATE, actor=parts.name, reason=reason_of(run, "evaluated beside production")
    )
    return Advance(
        RunState.SHADOWING,
        f"Version {number} is accepted and is the candidate; version {run.base_version} stays production.",
        candidate_version=number,
    )


def _refusal(report: Report) -> str:
    errors = [str(item) for item in report.findings if item.severity is Severity.ERROR]
    more = f", and {len(errors) - _FINDINGS} more" if len(errors) > _FINDINGS else ""
    return "; ".join(errors[:_FINDINGS]) + more
