"""The fourth step: once the candidate has been in the shadow, the evidence is gathered and it is decided on."""

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
    Judged,
    ShadowFigures,
    Split,
    decide,
    disagreements,
    needs_judge,
)
from labelwright.worker.drift import Drift, measure_drift
from labelwright.worker.observed import Observed, observe
from labelwright.worker.runs.held import Held
from labelwright.worker.runs.outcome import Advance, StepOutcome, Wait
from labelwright.worker.runs.parts import RunParts
from labelwright.worker.runs.production import moved_meanwhile
from labelwright.worker.runs.recent_records import SAMPLE_FILE, are_enough, keep_records, kept_records
from labelwright.worker.steps.gold import compare_on_gold
from labelwright.worker.steps.judging import Dispute, Judge
from labelwright.worker.steps.traffic import shadow_of
from labelwright.worker.steps.writing import kept_lesson

FRESH_FILE = "fresh.jsonl"
"""The run file of the records that were decided on."""
_SHOWN_LABELS = 50
"""In the facts of a decision, the commonest ones."""


def decide_on_candidate(parts: RunParts, held: Held) -> StepOutcome:
    """Wait for the shadow, then decide."""
    run = held.run
    if cancelled := moved_meanwhile(parts.registry, run):
        return cancelled
    base = parts.registry.download(run.task, version=run.base_version)
    shadow, said = _shadow(parts, held, base.bundle)
    if shadow is None:
        return Wait(said)
    candidate = parts.registry.download(run.task, version=run.candidate_version)
    packed = _records(parts, held, base.bundle)
    evidence = _gather(parts, held, base, candidate, packed, shadow)
    judged = _judged(parts, held, base.bundle, evidence, packed) if needs_judge(evidence) else None
    decision = decide(evidence, judged)
    return _advance(decision, base.bundle, said, _facts(decision, evidence, judged, len(packed)))


def _advance(decision: CandidateDecision, base: Bundle, said: str, facts: Mapping[str, object]) -> Advance:
    message = f"{decision.reason} {said}".strip()
    if decision.verdict is CandidateVerdict.REJECT:
        return Advance(RunState.REJECTED, message, facts)
    if decision.verdict is CandidateVerdict.ASK:
        return Advance(RunState.AWAITING_APPROVAL, f"A person has to decide. {message}", facts)
    if base.task.refresh.approval is Approval.MANUAL:
        return Advance(RunState.AWAITING_APPROVAL, f"A person has to approve, as task.toml asks for. {message}", facts)
    return Advance(RunState.APPROVED, message, facts)


def _shadow(parts: RunParts, held: Held, base: Bundle) -> tuple[ShadowFigures | None, str]:
    """Return what the shadow showed and what is to be said of it; None while it has not seen enough."""
    wanted = base.task.refresh.shadow_records
    if not wanted:
        return ShadowFigures(), ""
    if parts.prometheus is None:
        return ShadowFigures(), "Live traffic was not looked at: no Prometheus is set."
    shadow = shadow_of(parts.prometheus, held.run.task, held.run.candidate_version)
    if shadow.records >= wanted:
        return shadow, ""
    waited = (datetime.now(UTC) - held.run.updated_at).total_seconds()
    if waited < parts.shadow_seconds:
        return None, f"{shadow.records} of {wanted} records were evaluated in the shadow"
    return shadow, f"Within {waited / 60:.0f} minutes only {shadow.records} records came for the shadow."


def _records(parts: RunParts, held: Held, base: Bundle) -> list[str]:
    """Return recent records, taken anew so that there are some that nothing was learned from; chosen once a run."""
    kept = kept_records(held, FRESH_FILE)
    if kept is not None:
        return kept
    try:
        fresh = parts.recent.read(base.task)
    except Unavailable:
        fresh = []
    if not are_enough(fresh):
        fresh = kept_records(held, SAMPLE_FILE) or []
    keep_records(held, FRESH_FILE, fresh)
    return fresh


def _gather(
    parts: RunParts, held: Held, base: Download, candidate: Download, packed: Sequence[str], shadow: ShadowFigures
) -> CandidateEvidence:
    task = base.bundle.task
    old, new = (observe(parts.sandbox, item.bundle, packed) for item in (base, candidate))
    return CandidateEvidence(
        label_names=task.label_names,
        base=old,
        candidate=new,
        base_drift=_drift(old, task.label_names, base.reference),
        candidate_drift=_drift(new, task.label_names, candidate.reference),
        gold=compare_on_gold(parts.sandbox, base.bundle, candidate.bundle, kept_lesson(held).unseen_gold),
        shadow=shadow,
        max_accuracy_drop=task.gates.max_accuracy_drop,
        max_error=task.gates.max_error,
    )


def _drift(found: Observed, names: Sequence[str], reference: Reference | None) -> tuple[Drift, ...]:
    return measure_drift(found.figures(names), reference) if reference else ()


def _judged(parts: RunParts, held: Held, base: Bundle, evidence: CandidateEvidence, packed: Sequence[str]) -> Judged:
    disputed = disagreements(evidence.base, evidence.candidate)
    learned = set(_directly_labeled(held))
    # A record that repeats is judged once: its repetitions would be no further witnesses.
    order = [disputed[index] for index in random_distinct([packed[index] for index in disputed], held.run.id)]
    # The candidate may have learned the judge's own word on the records that it labeled before.
    order.sort(key=lambda index: packed[index] in learned)
    disputes = [
        Dispute(unpack(base.task, packed[index]), evidence.base.labels[index], evidence.candidate.labels[index])
        for index in order[: parts.asking.judged_records]
    ]
    tokens = parts.tokens_left(base.task.refresh, held.run)
    if not disputes or not tokens:
        return Judged(Split(0, 0), obstacle="nothing is left to have the LLM judge where they differ")
    return Judge(parts.llm.open(held, tokens), base, parts.asking.direct_examples).judge(disputes)


def _directly_labeled(held: Held) -> list[str]:
    """Return the packed records that the LLM labeled to learn from."""
    sample = kept_records(held, SAMPLE_FILE) or []
    return [sample[index] for index in random_distinct(sample, held.run.id)[: kept_lesson(held).direct_labels]]


def _facts(
    decision: CandidateDecision, evidence: CandidateEvidence, judged: Judged | None, records: int
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
        "judged": asdict(judged) if judged else None,
    }


def _figures(observed: Observed, evidence: CandidateEvidence) -> dict[str, object]:
    figures = asdict(observed.figures(evidence.label_names))
    commonest = sorted(figures["label_shares"].items(), key=lambda item: -item[1])[:_SHOWN_LABELS]
    return {**figures, "label_shares": {label: round(share, 4) for label, share in commonest}}


def _drift_facts(drift: Drift) -> dict[str, object]:
    return {**asdict(drift), "alarms": drift.alarms}
