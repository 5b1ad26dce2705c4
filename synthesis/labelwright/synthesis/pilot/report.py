"""The pilot's report as one document: everything that the page and the terminal show, and nothing else.

docs/pilot.md describes it as ``report.json``. Shares are 0 to 1, intervals 95%; numbers that are not known are null.
"""

from __future__ import annotations

import json
from typing import Any, Literal

from labelwright.synthesis.learning.student import StudentSettings
from labelwright.synthesis.llm.prices import Price
from labelwright.synthesis.statistics.chance import Interval
from labelwright.synthesis.statistics.evaluation import PairedComparison
from labelwright.synthesis.writing.estimate import Estimate
from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LabelF1(_Part):
    """One label's F1."""

    f1: float
    interval: Interval


class ReportedLabeling(_Part):
    """The figures of one way of labeling."""

    rows: int
    accuracy: float
    interval: Interval
    accuracy_with_default: float
    interval_with_default: Interval
    coverage: float
    covered_accuracy: float
    macro_f1: float
    macro_f1_interval: Interval
    f1: dict[str, LabelF1]
    ensemble_minus_this: PairedComparison | None = None
    """Accuracy of the ensemble minus that of this labeling, on the same rows."""

    @model_serializer(mode="wrap")
    def _without_own_difference(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out the difference of the ensemble to itself."""
        document: dict[str, Any] = serialize(self)
        if self.ensemble_minus_this is None:
            del document["ensemble_minus_this"]
        return document


class ReportedProgram(_Part):
    """One candidate: ``accuracy`` is that of its votes, ``accuracy_over_all`` counts its abstentions as wrong."""

    name: str
    description: str
    serves: bool
    gain: float | None
    why_not: str | None
    coverage: float
    votes: int
    accuracy: float | None
    interval: Interval | None
    accuracy_over_all: float
    errors: int


class ReportedDrop(_Part):
    """A program that is not fit, and why."""

    name: str
    reason: str


class ReportedLabelModel(_Part):
    """A label model that was tried. ``score`` is gold accuracy out of fold, or agreement without gold."""

    method: str
    score: float
    collapsed: bool


class LabelModelChoice(_Part):
    """The label model that serves, and all that were tried."""

    method: str
    candidates: list[ReportedLabelModel]


class ReportedStudent(_Part):
    """The student, and how good the LLM's own labels of the gold rows were."""

    words: int
    accuracy_out_of_fold: float
    clear_margin: int
    pairs: bool
    direct_gold_accuracy: float | None
    settings: list[StudentSettings]
    """Those whose tables are averaged."""


class ReportedFailure(_Part):
    """A row that got a wrong label or none, with the votes of the programs that serve."""

    record: str
    right: str
    given: str | None
    probability: float | None
    votes: dict[str, str]


class ReportedCurvePoint(_Part):
    """A share of records sent to the LLM, the least sure first: ``sent`` of the measured rows.

    ``tokens`` and ``dollars`` are what the LLM takes for the cost's number of records, the version's own cost left out.
    """

    share: float
    sent: int
    accuracy: float
    interval: Interval
    against_direct: PairedComparison
    """Accuracy of this point minus that of direct labeling, on the same rows."""
    tokens: float | None
    dollars: float | None


class ReportedCurve(_Part):
    """Accuracy against the share that is sent, on the rows that direct labeling was measured on."""

    rows: int
    points: list[ReportedCurvePoint]
    recommended: float
    """The share of the point to choose, and ``why``."""
    why: str

    @property
    def choice(self) -> ReportedCurvePoint:
        """The recommended point."""
        return next(point for point in self.points if point.share == self.recommended)


class SynthesisCost(_Part):
    """What the version took."""

    calls: int
    tokens_in: int
    tokens_out: int
    tokens: int
    dollars: float | None


class MeasuringCost(_Part):
    """What the comparison took besides."""

    tokens_in: int
    tokens_out: int
    dollars: float | None


class RecordCost(_Part):
    """What the LLM labeling one record takes, measured."""

    tokens_in: float | None
    tokens_out: float | None
    tokens: float | None
    dollars: float | None


class DirectCost(_Part):
    """What the LLM labeling all ``records`` would take."""

    tokens: float | None
    dollars: float | None


class ReportedCost(_Part):
    """``ratio`` is direct labeling of ``records`` over the version: of dollars, or of tokens without a price."""

    price: Price | None
    synthesis: SynthesisCost
    measuring: MeasuringCost
    direct_per_record: RecordCost
    records: int
    direct: DirectCost
    ratio_tokens: float | None
    ratio_dollars: float | None
    ratio: float | None
    break_even_records: int | None
    estimated: Estimate | None
    """What the whole run was estimated to take before it began."""


class PilotReport(_Part):
    """The document."""

    task: str
    model: str
    labels: list[str]
    measured_on: Literal["test", "gold"]
    rows: int
    gold_rows: int
    records: int
    seed: int
    ensemble: ReportedLabeling
    majority: ReportedLabeling
    direct: ReportedLabeling | None
    direct_calibrated: ReportedLabeling | None
    baseline: ReportedLabeling | None
    programs_asked: int
    programs_kept: int
    programs: list[ReportedProgram]
    """Those that serve first, by coverage."""
    dropped: list[ReportedDrop]
    notes: list[str]
    label_model: LabelModelChoice
    student: ReportedStudent | None
    confusion: list[list[int]]
    """Right label x given label, the last column for none."""
    failures: list[ReportedFailure]
    cost: ReportedCost
    curve: ReportedCurve | None = None
    """None without test rows, or where the LLM labeled none of them."""

    def labeling(self, way: str) -> ReportedLabeling | None:
        """Return the figures of one of the ``WAYS``, None where it was not measured."""
        found: ReportedLabeling | None = getattr(self, way)
        return found

    @property
    def warning(self) -> str:
        """What must be said first of a version that is not worth running; empty of one that is."""
        commonest = self.majority.accuracy if self.majority else 0.0
        if self.ensemble is None or self.ensemble.accuracy > commonest:
            return ""
        return (
            f"no better than always saying the commonest label: right on {self.ensemble.accuracy:.1%} of "
            f"{self.ensemble.rows} rows, the commonest label on {commonest:.1%}"
        )

    @property
    def best_program(self) -> ReportedProgram | None:
        """The candidate that alone labels most rows rightly."""
        return max(self.programs, key=lambda program: program.accuracy_over_all, default=None)

    def to_text(self) -> str:
        """Return the text of ``report.json``."""
        return json.dumps(self.model_dump(mode="json"), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
