from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from labelwright.core.vote import VoteError
from labelwright.worker.decision import (
    CandidateDecision,
    CandidateEvidence,
    CandidateVerdict,
    Gold,
    Judgment,
    ShadowFigures,
    Split,
    better_of,
    decide,
    disagreements,
    needs_judge,
)
from labelwright.worker.drift import Drift
from labelwright.worker.observed import Observed

CALM = (Drift("label PSI", 0.02, 0.1),)
ALARM = (Drift("label PSI", 0.4, 0.1),)
EVEN = Split(0, 0)


def observed(labels: Sequence[int], *, failed: int = 0, votes: int = 3) -> Observed:
    """Return a version's labels, each by as many votes, the first of which failed on the first records."""
    rows = [
        (VoteError.RAISED, *[label] * (votes - 1)) if index < failed else (label,) * votes
        for index, label in enumerate(labels)
    ]
    return Observed(tuple(labels), tuple(rows))


BASE = observed([0, 1] * 40 + [-1] * 20)
CANDIDATE = observed([0, 1] * 45 + [1] * 10)
EVIDENCE = CandidateEvidence(("ham", "spam"), BASE, CANDIDATE, ALARM, CALM)


def gold(served: Split, unseen: Split = EVEN, base: float = 0.8, candidate: float = 0.8) -> Gold:
    return Gold(100, base, candidate, served, unseen)


@pytest.mark.parametrize(
    ("judged", "verdict"),
    [
        (Judgment(Split(9, 0)), CandidateVerdict.PROMOTE),
        (Judgment(Split(0, 9)), CandidateVerdict.REJECT),
        (Judgment(Split(5, 4)), CandidateVerdict.ASK),
        (Judgment(Split(4, 5)), CandidateVerdict.REJECT),
        (Judgment(EVEN, open=9), CandidateVerdict.ASK),
        (Judgment(EVEN, obstacle="the budget is gone"), CandidateVerdict.ASK),
        (None, CandidateVerdict.ASK),
    ],
)
def test_the_judge_decides_where_gold_cannot(judged: Judgment | None, verdict: CandidateVerdict) -> None:
    for evidence in (EVIDENCE, replace(EVIDENCE, gold=gold(Split(2, 2), Split(2, 1)))):
        assert needs_judge(evidence)
        assert decide(evidence, judged).verdict is verdict


def test_what_proves_nothing_is_for_a_person_only_where_the_present_version_drifts() -> None:
    assert decide(replace(EVIDENCE, base_drift=CALM), Judgment(Split(5, 4))).verdict is CandidateVerdict.REJECT


def test_gold_that_was_held_back_accepts() -> None:
    evidence = replace(EVIDENCE, gold=gold(Split(12, 1), Split(10, 1), candidate=0.9))
    assert not needs_judge(evidence)
    assert decide(evidence, None).verdict is CandidateVerdict.PROMOTE


def test_gold_that_the_candidate_was_made_with_does_not_accept() -> None:
    assert needs_judge(replace(EVIDENCE, gold=gold(Split(40, 0), Split(3, 2), candidate=0.99)))


@pytest.mark.parametrize(
    ("evidence", "phrase"),
    [
        (replace(EVIDENCE, gold=gold(Split(1, 12))), "gold rows the candidate does worse"),
        (replace(EVIDENCE, gold=gold(Split(1, 3), candidate=0.78), max_accuracy_drop=0.01), "0.020 lower"),
        (replace(EVIDENCE, candidate=observed([0, 1] * 30 + [-1] * 40)), "labels 20.0% fewer"),
        (replace(EVIDENCE, candidate=observed(CANDIDATE.labels, failed=30)), "fail on 30 of 100"),
        (replace(EVIDENCE, shadow=ShadowFigures(records=500, votes=1500, errors=200)), "13.3% of its votes"),
        (replace(EVIDENCE, candidate=BASE), "says what the present version says"),
    ],
)
def test_what_refuses_a_candidate_needs_no_judge_and_hears_none(evidence: CandidateEvidence, phrase: str) -> None:
    assert not needs_judge(evidence)
    decision = decide(evidence, Judgment(Split(50, 0)))
    assert decision.verdict is CandidateVerdict.REJECT
    assert phrase in decision.reason


def test_what_is_allowed_does_not_refuse() -> None:
    allowed = replace(EVIDENCE, gold=gold(Split(1, 3), candidate=0.78), max_accuracy_drop=0.02)
    assert decide(allowed, Judgment(Split(9, 0))).verdict is CandidateVerdict.PROMOTE
    few = replace(EVIDENCE, candidate=observed([0, 1] * 39 + [-1] * 22))
    assert needs_judge(few)
    assert needs_judge(replace(EVIDENCE, candidate=observed(CANDIDATE.labels, failed=3), max_error=0.05))


@pytest.mark.parametrize(
    ("doubtful", "phrase"),
    [
        (replace(EVIDENCE, candidate=observed([1] * 98 + [0] * 2)), "'spam' to 98%"),
        (replace(EVIDENCE, candidate_drift=ALARM), "drift remains (label PSI 0.400, threshold 0.100)"),
    ],
)
def test_a_better_candidate_with_a_doubt_is_for_a_person(doubtful: CandidateEvidence, phrase: str) -> None:
    decision = decide(doubtful, Judgment(Split(30, 0)))
    assert decision.verdict is CandidateVerdict.ASK
    assert phrase in decision.reason


@pytest.mark.parametrize(
    ("base", "candidate", "right", "better"),
    [(0, 1, 1, 1), (1, 0, 1, -1), (-1, 1, 1, 1), (-1, 0, 1, -1), (1, -1, 1, -1), (0, -1, 1, 1), (0, 2, 1, 0)],
)
def test_to_abstain_is_between_right_and_wrong(base: int, candidate: int, right: int, better: int) -> None:
    assert better_of(base, candidate, right) == better


_labels = st.lists(st.tuples(st.integers(-1, 1), st.integers(-1, 1)), min_size=1, max_size=60)
_splits = st.builds(Split, st.integers(0, 60), st.integers(0, 60))
_drifts = st.sampled_from([(), CALM, ALARM])
_evidence = st.builds(
    lambda pairs, failed, base_drift, candidate_drift, shadow, compared: CandidateEvidence(
        ("ham", "spam"),
        observed([pair[0] for pair in pairs]),
        observed([pair[1] for pair in pairs], failed=min(failed, len(pairs))),
        base_drift,
        candidate_drift,
        compared,
        shadow,
        max_accuracy_drop=0.05,
    ),
    _labels,
    st.integers(0, 5),
    _drifts,
    _drifts,
    st.sampled_from([ShadowFigures(), ShadowFigures(100, 90, 80, 80, 300, 1), ShadowFigures(100, 90, 80, 80, 300, 90)]),
    st.none() | st.builds(gold, _splits, _splits, st.sampled_from([0.5, 0.9]), st.sampled_from([0.5, 0.9])),
)
_judged = st.none() | st.builds(Judgment, _splits, st.integers(0, 9), st.sampled_from(["", "the LLM is away"]))


@given(evidence=_evidence, judged=_judged)
def test_every_verdict_has_a_reason_and_nothing_is_promoted_unproven(
    evidence: CandidateEvidence, judged: Judgment | None
) -> None:
    decision: CandidateDecision = decide(evidence, judged)
    assert decision.reason.endswith(".")
    assert decision.reason[0].isupper() or not decision.reason[0].isalpha()
    if decision.verdict is CandidateVerdict.PROMOTE:
        proven = judged is not None and not judged.obstacle and judged.split.favors_candidate
        assert proven or (evidence.gold is not None and evidence.gold.unseen.favors_candidate)
        assert disagreements(evidence.base, evidence.candidate)
        assert not any(item.alarms for item in evidence.candidate_drift)
    if not needs_judge(evidence):
        assert decision == decide(evidence, None)


@given(evidence=_evidence, split=_splits)
def test_more_for_the_candidate_never_makes_the_verdict_worse(evidence: CandidateEvidence, split: Split) -> None:
    order = [CandidateVerdict.REJECT, CandidateVerdict.ASK, CandidateVerdict.PROMOTE]
    less = decide(evidence, Judgment(split)).verdict
    more = decide(evidence, Judgment(Split(split.candidate + 5, max(split.base - 5, 0)))).verdict
    assert order.index(more) >= order.index(less)
