"""The decision whether a candidate becomes production. Pure: evidence in, a verdict with its reason out.

Gold rows and the candidate's behavior on recent records may refuse it. Gold rows may accept it, and where they do not
decide, an LLM that judged, blind, the records on which the two versions differ. docs/adr/0006 says why.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from labelwright.core.report import Reference
from labelwright.synthesis.statistics.chance import sign_test
from labelwright.worker.drift import Drift
from labelwright.worker.observed import Observed

SIGNIFICANT = 0.05
"""A split with a p-value below this is not chance."""
MATTERS = 0.01
"""A loss of coverage below this share of the records refuses no candidate."""
NEARLY_ALL = 0.95
"""A label with this share of all labels gets nearly everything …"""
NEARLY_ALL_MORE = 0.1
"""… which is doubtful where its share in the current version is lower by this much."""


class CandidateVerdict(enum.Enum):
    """What happens to a candidate."""

    PROMOTE = "promote"
    REJECT = "reject"
    ASK = "ask"
    """A person has to decide."""


@dataclass(frozen=True, slots=True)
class CandidateDecision:
    """A verdict, and its reason in one or two sentences."""

    verdict: CandidateVerdict
    reason: str


@dataclass(frozen=True, slots=True)
class Split:
    """Counts of rows on which one of two versions does better than the other."""

    candidate: int
    base: int

    @property
    def p_value(self) -> float:
        """How likely a split this uneven is by chance."""
        return sign_test(self.candidate, self.base)

    @property
    def favors_candidate(self) -> bool:
        """Whether the candidate does better, and not by chance."""
        return self.candidate > self.base and self.p_value < SIGNIFICANT

    @property
    def favors_base(self) -> bool:
        """Whether the current version does better, and not by chance."""
        return self.base > self.candidate and self.p_value < SIGNIFICANT

    def __str__(self) -> str:
        return f"{self.candidate} to {self.base}, p = {self.p_value:.2g}"


@dataclass(frozen=True, slots=True)
class Gold:
    """Both versions on the gold rows: accuracies, and rows on which only one is right.

    These rows were used to make the candidate, which flatters it: ``served`` compares it as it serves and may only
    refuse it; ``unseen`` compares its labels of rows that were held back from it, and may accept it.
    """

    rows: int
    base_accuracy: float
    candidate_accuracy: float
    served: Split
    unseen: Split


@dataclass(frozen=True, slots=True)
class Judgment:
    """The LLM's labels of records on which the versions differ. ``open`` counts those that favor neither version.

    ``obstacle`` says why the judgment does not count, or why there is none; empty where it counts.
    """

    split: Split
    open: int = 0
    obstacle: str = ""


@dataclass(frozen=True, slots=True)
class ShadowFigures:
    """The candidate on live traffic, as counted by label services. ``votes`` and ``errors`` are those of its programs.

    ``labeled`` and ``base_labeled`` count records that it and the current version gave a label.
    """

    records: int = 0
    agreements: int = 0
    labeled: int = 0
    base_labeled: int = 0
    votes: int = 0
    errors: int = 0


@dataclass(frozen=True, slots=True)
class CandidateEvidence:
    """Everything that a decision rests on. Each version's drift is measured on recent records against its reference.

    Recent records are independent draws from traffic, repetitions included, so their shares and the tests of coverage
    and failures are those of traffic: a campaign of one message that is a third of traffic counts as a third.
    """

    label_names: Sequence[str]
    base: Observed
    candidate: Observed
    base_drift: Sequence[Drift]
    candidate_drift: Sequence[Drift]
    gold: Gold | None = None
    shadow: ShadowFigures = field(default_factory=ShadowFigures)
    max_accuracy_drop: float | None = None
    max_error: float | None = None


def needs_judge(evidence: CandidateEvidence) -> bool:
    """Whether the LLM has to judge: nothing refuses the candidate, and gold rows do not accept it."""
    return not any(_refusals(evidence)) and not _gold_accepts(evidence)


def disagreements(base: Observed, candidate: Observed) -> list[int]:
    """Return the indices of records that the two label differently."""
    pairs = zip(base.labels, candidate.labels, strict=True)
    return [index for index, (one, other) in enumerate(pairs) if one != other]


def better_of(base: int, candidate: int, right: int) -> int:
    """Return 1 where the candidate's label is better, -1 where the base's is, else 0.

    To abstain is better than to be wrong and worse than to be right.
    """

    def worth(label: int) -> int:
        return 2 if label == right else 1 if label < 0 else 0

    return (worth(candidate) > worth(base)) - (worth(candidate) < worth(base))


def decide(evidence: CandidateEvidence, judgment: Judgment | None) -> CandidateDecision:
    """Return the decision. ``judgment`` is needed where ``needs_judge`` says so."""
    refusals = list(_refusals(evidence))
    if refusals:
        return CandidateDecision(CandidateVerdict.REJECT, _sentence("; ".join(refusals)))
    if _gold_accepts(evidence) and evidence.gold:
        return _accepted(evidence, f"on gold rows the candidate does better ({evidence.gold.unseen})")
    if judgment is None or judgment.obstacle:
        why = judgment.obstacle if judgment else "nobody judged the records on which they differ"
        return CandidateDecision(
            CandidateVerdict.ASK, _sentence(f"gold rows cannot tell the two versions apart, and {why}")
        )
    comparison = f"judged blind where they differ, the two versions stand {judgment.split} (candidate to present)"
    if judgment.split.favors_candidate:
        return _accepted(evidence, comparison)
    if judgment.split.favors_base:
        return CandidateDecision(CandidateVerdict.REJECT, _sentence(comparison))
    return _undecided(evidence, judgment, comparison)


def _accepted(evidence: CandidateEvidence, why: str) -> CandidateDecision:
    doubts = list(_doubts(evidence))
    if doubts:
        return CandidateDecision(CandidateVerdict.ASK, _sentence(f"{why}, but {'; '.join(doubts)}"))
    drifts = ", ".join(str(item) for item in evidence.base_drift if item.alarms)
    figures_sentence = " Its own figures on recent records are within their thresholds."
    drift_sentence = f" The present version drifts ({drifts})." if drifts else ""
    return CandidateDecision(CandidateVerdict.PROMOTE, _sentence(why) + drift_sentence + figures_sentence)


def _undecided(evidence: CandidateEvidence, judgment: Judgment, comparison: str) -> CandidateDecision:
    drifts = [str(item) for item in evidence.base_drift if item.alarms]
    if drifts and judgment.split.candidate >= judgment.split.base and not any(_doubts(evidence)):
        return CandidateDecision(
            CandidateVerdict.ASK,
            _sentence(f"{comparison}, which proves nothing; but the present version drifts ({drifts[0]})"),
        )
    return CandidateDecision(
        CandidateVerdict.REJECT, _sentence(f"{comparison}: the candidate is not shown to be better")
    )


def _gold_accepts(evidence: CandidateEvidence) -> bool:
    return evidence.gold is not None and evidence.gold.unseen.favors_candidate


def _refusals(evidence: CandidateEvidence) -> Iterator[str]:
    """Yield reasons that refuse the candidate, whatever speaks for it."""
    if not disagreements(evidence.base, evidence.candidate):
        yield "on every recent record the candidate says what the present version says"
    yield from _gold_refusals(evidence)
    coverage = _coverage_split(evidence)
    drop = (coverage.base - coverage.candidate) / len(evidence.base.labels)
    if coverage.favors_base and drop > MATTERS:
        yield f"the candidate labels {drop:.1%} fewer of the recent records"
    yield from _error_refusals(evidence)


def _gold_refusals(evidence: CandidateEvidence) -> Iterator[str]:
    gold, allowed = evidence.gold, evidence.max_accuracy_drop
    if gold is None:
        return
    if gold.served.favors_base:
        yield f"on gold rows the candidate does worse ({gold.served})"
    drop = gold.base_accuracy - gold.candidate_accuracy
    if allowed is not None and drop > allowed + 1e-9:
        yield f"its accuracy on gold rows is {drop:.3f} lower; {allowed:g} is allowed"


def _error_refusals(evidence: CandidateEvidence) -> Iterator[str]:
    allowed = 0.01 if evidence.max_error is None else evidence.max_error
    candidate, shadow = evidence.candidate, evidence.shadow
    more = Split(
        sum(base and not new for base, new in zip(evidence.base.failed, candidate.failed, strict=True)),
        sum(new and not base for base, new in zip(evidence.base.failed, candidate.failed, strict=True)),
    )
    if more.favors_base and candidate.errors > allowed * candidate.vote_count:
        yield f"its programs fail on {sum(candidate.failed)} of {len(candidate.failed)} recent records"
    if shadow.votes and shadow.errors > max(allowed * shadow.votes, 1):
        yield f"{shadow.errors / shadow.votes:.1%} of its votes on live traffic were errors"


def _doubts(evidence: CandidateEvidence) -> Iterator[str]:
    """Yield what a person should check before a candidate that looks better is promoted."""
    base, candidate = evidence.base.figures(evidence.label_names), evidence.candidate.figures(evidence.label_names)
    label, share = _commonest(candidate)
    if share >= NEARLY_ALL and share - base.label_shares[label] > NEARLY_ALL_MORE:
        yield f"it gives {label!r} to {share:.0%} of what it labels, the present version to " + (
            f"{base.label_shares[label]:.0%}"
        )
    yield from (f"drift remains ({item})" for item in evidence.candidate_drift if item.alarms)


def _coverage_split(evidence: CandidateEvidence) -> Split:
    pairs = list(zip(evidence.base.labels, evidence.candidate.labels, strict=True))
    return Split(sum(base < 0 <= new for base, new in pairs), sum(new < 0 <= base for base, new in pairs))


def _commonest(figures: Reference) -> tuple[str, float]:
    return max(figures.label_shares.items(), key=lambda item: item[1])


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
