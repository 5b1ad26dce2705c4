"""The fourth step: once the candidate was evaluated in the shadow, evidence is gathered and a decision made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from labelwright.client import Download
from labelwright.core.bundle import Bundle
from labelwright.core.errors import Unavailable
from labelwright.core.record import unpack
from labelwright.core.report import Reference
from labelwright.core.run import RunState
from labelwright.core.task import Approval
from labelwright.synthesis.asking.sampling import random_distinct
from labelwright.worker.decision import (
    CandidateDecision,
    CandidateEvidence,
    CandidateVerdict,
    Judgment,
    ShadowFigures,
    Split,
    decide,
    disagreements,
    needs_judge,
)
from labelwright.worker.drift import Drift, measure_drift
from labelwright.worker.observed import Observed, observe
from labelwright.worker.runs.lease import RunLease
from labelwright.worker.runs.outcome import Advance, StepOutcome, Wait
from labelwright.worker.runs.parts import RunParts
from labelwright.worker.runs.production import moved_meanwhile
from labelwright.worker.runs.recent_records import SAMPLE_FILE, are_enough, keep_records, kept_records
from labelwright.worker.steps.gold import compare_on_gold
from labelwright.worker.steps.judging import Dispute, Judge
from labelwright.worker.steps.traffic import shadow_of
from labelwright.worker.steps.writing import kept_lesson

FRESH_FILE = "fresh.jsonl"
"""The run file of the records that the decision is based on."""
_SHOWN_LABELS = 50
"""The commonest labels, in the facts of a decision."""


def decide_on_candidate(parts: RunParts, lease: RunLease) -> StepOutcome:
    """Wait for the shadow, then decide."""
    run = lease.run
    if cancelled := moved_meanwhile(parts.registry, run):
        return cancelled
    base = parts.registry.download(run.task, version=run.base_version)
    shadow, remark = _shadow(parts, lease, base.bundle)
    if shadow is None:
        return Wait(remark)
    candidate = parts.registry.download(run.task, version=run.candidate_version)
    packed = _records(parts, lease, base.bundle)
    evidence = _gather(parts, lease, base, candidate, packed, shadow)
    judgment = _judged(parts, lease, base.bundle, evidence, packed) if needs_judge(evidence) else None
    decision = decide(evidence, judgment)
    return _advance(decision, base.bundle, remark, _facts(decision, evidence, judgment, len(packed)))


def _advance(decision: CandidateDecision, base: Bundle, remark: str, facts: Mapping[str, object]) -> Advance:
    message = f"{decision.reason} {remark}".strip()
    if decision.verdict is CandidateVerdict.REJECT:
        return Advance(RunState.REJECTED, message, facts)
    if decision.verdict is CandidateVerdict.ASK:
        return Advance(RunState.AWAITING_APPROVAL, f"A person has to decide. {message}", facts)
    if base.task.refresh.approval is Approval.MANUAL:
        return Advance(RunState.AWAITING_APPROVAL, f"A person has to approve, as task.toml asks for. {message}", facts)
    return Advance(RunState.APPROVED, message, facts)


def _shadow(parts: RunParts, lease: RunLease, base: Bundle) -> tuple[ShadowFigures | None, str]:
    """Return the shadow's figures, None while they are too few, and a remark about them."""
    min_records = base.task.refresh.shadow_records
    if not min_records:
        return ShadowFigures(), ""
    if parts.prometheus is None:
        return ShadowFigures(), "Live traffic was not looked at: no Prometheus is set."
    shadow = shadow_of(parts.prometheus, lease.run.task, lease.run.candidate_version)
    if shadow.records >= min_records:
        return shadow, ""
    seconds = (datetime.now(UTC) - lease.run.updated_at).total_seconds()
    if seconds < parts.shadow_seconds:
        return None, f"{shadow.records} of {min_records} records were evaluated in the shadow"
    return shadow, f"Within {seconds / 60:.0f} minutes only {shadow.records} records came for the shadow."


def _records(parts: RunParts, lease: RunLease, base: Bundle) -> list[str]:
    """Return recent records, read anew so that some were not learned from; read once in a run."""
    packed = kept_records(lease, FRESH_FILE)
    if packed is not None:
        return packed
    try:
        fresh = parts.recent.read(base.task)
    except Unavailable:
        fresh = []
    if not are_enough(fresh):
        fresh = kept_records(lease, SAMPLE_FILE) or []
    keep_records(lease, FRESH_FILE, fresh)
    return fresh


def _gather(
    parts: RunParts, lease: RunLease, base: Download, candidate: Download, packed: Sequence[str], shadow: ShadowFigures
) -> CandidateEvidence:
    task = base.bundle.task
    old, new = (observe(parts.sandbox, item.bundle, packed) for item in (base, candidate))
    return CandidateEvidence(
        label_names=task.label_names,
        base=old,
        candidate=new,
        base_drift=_drift(old, task.label_names, base.reference),
        candidate_drift=_drift(new, task.label_names, candidate.reference),
        gold=compare_on_gold(parts.sandbox, base.bundle, candidate.bundle, kept_lesson(lease).unseen_gold),
        shadow=shadow,
        max_accuracy_drop=task.gates.max_accuracy_drop,
        max_error=task.gates.max_error,
    )


def _drift(observed: Observed, names: Sequence[str], reference: Reference | None) -> tuple[Drift, ...]:
    return measure_drift(observed.figures(names), reference) if reference else ()


def _judged(
    parts: RunParts, lease: RunLease, base: Bundle, evidence: CandidateEvidence, packed: Sequence[str]
) -> Judgment:
    disputed_indices = disagreements(evidence.base, evidence.candidate)
    learned_records = set(_directly_labeled(lease))
    # A record that repeats is judged once: its repetitions would be no further evidence.
    order = [
        disputed_indices[index]
        for index in random_distinct([packed[index] for index in disputed_indices], lease.run.id)
    ]
    # Last come the records whose labels by this LLM the candidate may have learned.
    order.sort(key=lambda index: packed[index] in learned_records)
    disputes = [
        Dispute(unpack(base.task, packed[index]), evidence.base.labels[index], evidence.candidate.labels[index])
        for index in order[: parts.asking.judged_records]
    ]
    tokens = parts.tokens_left(base.task.refresh, lease.run)
    if not disputes or not tokens:
        return Judgment(Split(0, 0), obstacle="nothing is left to have the LLM judge where they differ")
    return Judge(parts.llm.open(lease, tokens), base, parts.asking.direct_examples).judge(disputes)


def _directly_labeled(lease: RunLease) -> list[str]:
    """Return the packed records that the LLM labeled to learn from."""
    sample = kept_records(lease, SAMPLE_FILE) or []
    return [sample[index] for index in random_distinct(sample, lease.run.id)[: kept_lesson(lease).direct_labels]]


def _facts(
    decision: CandidateDecision, evidence: CandidateEvidence, judgment: Judgment | None, records: int
) -> dict[str, object]:
    return {
        "verdict": decision.verdict.value,
        "records": records,
        "disagreements": len(disagreements(evidence.base, evidence.candidate)),
        "base": _figures(evidence.base, evidence),
        "candidate": _figures(evidence.candidate, evidence),
        "base_drift": [_drift_facts(item) for item in evidence.base_drift],
        "candidate_drift": [_drift_facts(item) for item in evidence.candidate_drift],
        "gold": asdict(evidence.gold) if evidence.gold else None,
        "shadow": asdict(evidence.shadow),
        "judged": asdict(judgment) if judgment else None,
    }


def _figures(observed: Observed, evidence: CandidateEvidence) -> dict[str, object]:
    figures = asdict(observed.figures(evidence.label_names))
    commonest = sorted(figures["label_shares"].items(), key=lambda item: -item[1])[:_SHOWN_LABELS]
    return {**figures, "label_shares": {label: round(share, 4) for label, share in commonest}}


def _drift_facts(drift: Drift) -> dict[str, object]:
    return {**asdict(drift), "alarms": drift.alarms}
