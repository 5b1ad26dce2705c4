"""The pilot's report as one document: everything that the page and the terminal show, and nothing else.

docs/pilot.md describes it as ``report.json``. Shares are 0 to 1, intervals 95%; numbers that are not known are null.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import Any, Literal

import numpy as np
from labelwright.core.bundle import Program
from labelwright.synthesis.arrays import HIDDEN, Labels
from labelwright.synthesis.asking.record_text import one_line
from labelwright.synthesis.llm.prices import Price
from labelwright.synthesis.pilot.result import (
    BASELINE,
    DIRECT,
    DIRECT_CALIBRATED,
    ENSEMBLE,
    MAJORITY,
    MeasuredLabeling,
    PilotResult,
)
from labelwright.synthesis.statistics.chance import Interval, wilson
from labelwright.synthesis.writing.estimate import Estimate
from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer

RECORDS = 1_000_000
"""Records that the costs are compared at."""
_MOST_FAILURES = 12
"""That are shown: about a page of them. A third are rows without a label, where there are so many."""
_SHOWN_CHARACTERS = 240


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LabelF1(_Part):
    """One label's F1."""

    f1: float
    interval: Interval


class Difference(_Part):
    """Accuracy of the ensemble minus that of another way, on the same rows; McNemar's exact p-value."""

    difference: float
    interval: Interval
    p_value: float


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
    ensemble_minus_this: Difference | None = None

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


class ReportedStudentSettings(_Part):
    """One setting of the word model whose table is averaged."""

    pairs: bool
    evidence: str
    smoothing: float
    unlabeled_weight: float


class ReportedStudent(_Part):
    """The student, and how good the LLM's own labels of the gold rows were."""

    words: int
    accuracy_out_of_fold: float
    clear_margin: int
    pairs: bool
    direct_gold_accuracy: float | None
    settings: list[ReportedStudentSettings]


class ReportedFailure(_Part):
    """A row that got a wrong label or none, with the votes of the programs that serve."""

    record: str
    right: str
    given: str | None
    probability: float | None
    votes: dict[str, str]


class ReportedPrice(_Part):
    """US dollars per million tokens."""

    input: float
    output: float


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


class EstimatedCost(_Part):
    """What the whole run was estimated to take before it began."""

    requests: int
    tokens_in: int
    tokens_out: int
    dollars: float | None


class ReportedCost(_Part):
    """``ratio`` is direct labeling of ``records`` over the version: of dollars, or of tokens without a price."""

    price: ReportedPrice | None
    synthesis: SynthesisCost
    measuring: MeasuringCost
    direct_per_record: RecordCost
    records: int
    direct: DirectCost
    ratio_tokens: float | None
    ratio_dollars: float | None
    ratio: float | None
    break_even_records: int | None
    estimated: EstimatedCost | None


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

    def labeling(self, way: str) -> ReportedLabeling | None:
        """Return the figures of one of the ``WAYS``, None where it was not measured."""
        found: ReportedLabeling | None = getattr(self, way)
        return found

    @property
    def best_program(self) -> ReportedProgram | None:
        """The candidate that alone labels most rows rightly."""
        return max(self.programs, key=lambda program: program.accuracy_over_all, default=None)

    def to_text(self) -> str:
        """Return the text of ``report.json``."""
        return json.dumps(self.model_dump(mode="json"), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def build_report(result: PilotResult, price: Price | None, estimated: Estimate | None = None) -> PilotReport:
    """Return the report. ``estimated`` is what the whole run was estimated to take before it began."""
    rows, labelings = result.rows, result.labelings
    names = rows.task.label_names
    figures = {way: _labeling(labeling, names) for way, labeling in labelings.items()}
    return PilotReport(
        task=rows.task.name,
        model=result.model,
        labels=list(names),
        measured_on="test" if rows.test else "gold",
        rows=len(result.truth),
        gold_rows=len(rows.gold),
        records=len(rows.records),
        seed=result.options.seed,
        ensemble=figures[ENSEMBLE],
        majority=figures[MAJORITY],
        direct=figures.get(DIRECT),
        direct_calibrated=figures.get(DIRECT_CALIBRATED),
        baseline=figures.get(BASELINE),
        programs_asked=result.written.asked,
        programs_kept=result.written.kept,
        programs=_programs(result),
        dropped=[ReportedDrop(name=name, reason=reason) for name, reason in result.written.dropped],
        notes=[
            *result.notes,
            *(f"direct labeling: no answer for {count} rows ({kind})" for kind, count in result.unanswered.items()),
        ],
        label_model=_label_model(result),
        student=_student(result),
        confusion=labelings[ENSEMBLE].quality.confusion.tolist(),
        failures=_failures(result),
        cost=_cost(result, price, estimated),
    )


def _labeling(labeling: MeasuredLabeling, names: tuple[str, ...]) -> ReportedLabeling:
    quality, paired = labeling.quality, labeling.against_ensemble
    return ReportedLabeling(
        rows=quality.rows,
        accuracy=quality.accuracy,
        interval=quality.interval,
        accuracy_with_default=quality.accuracy_with_default,
        interval_with_default=quality.interval_with_default,
        coverage=quality.coverage,
        covered_accuracy=quality.covered_accuracy,
        macro_f1=quality.macro_f1,
        macro_f1_interval=quality.macro_f1_interval,
        f1={
            name: LabelF1(f1=f1, interval=interval)
            for name, f1, interval in zip(names, quality.f1, quality.f1_intervals, strict=True)
        },
        ensemble_minus_this=Difference(**asdict(paired)) if paired else None,
    )


def _programs(result: PilotResult) -> list[ReportedProgram]:
    programs = [
        _program(result, program, column)
        for program, column in zip(result.ensemble.candidates, result.votes.T, strict=True)
    ]
    return sorted(programs, key=lambda item: (not item.serves, -item.coverage, item.name))


def _program(result: PilotResult, program: Program, column: Labels) -> ReportedProgram:
    may_judge = column != HIDDEN
    votes = column[may_judge]
    voted = votes >= 0
    count, rows = int(voted.sum()), max(1, len(votes))
    right = int((votes == result.truth[may_judge])[voted].sum())
    return ReportedProgram(
        name=program.name,
        description=" ".join(program.description.partition("\n\n")[0].split()),
        serves=program.name in {item.name for item in result.ensemble.programs},
        gain=result.ensemble.gains.get(program.name),
        why_not=result.ensemble.left_out.get(program.name),
        coverage=count / rows,
        votes=count,
        accuracy=right / count if count else None,
        interval=wilson(right, count) if count else None,
        accuracy_over_all=right / rows,
        errors=int((votes < -1).sum()),
    )


def _label_model(result: PilotResult) -> LabelModelChoice:
    choice = result.ensemble.choice
    return LabelModelChoice(
        method=choice.fit.method,
        candidates=[
            ReportedLabelModel(method=item.fit.method, score=item.score, collapsed=item.collapsed)
            for item in choice.candidates
        ],
    )


def _student(result: PilotResult) -> ReportedStudent | None:
    student = result.ensemble.student
    if student is None:
        return None
    return ReportedStudent(
        words=len(student.words),
        accuracy_out_of_fold=student.accuracy,
        clear_margin=student.clear,
        pairs=student.pairs,
        direct_gold_accuracy=_known(result.direct_gold_accuracy),
        settings=[
            ReportedStudentSettings(
                pairs=item.pairs,
                evidence=item.evidence.value,
                smoothing=item.smoothing,
                unlabeled_weight=item.unlabeled_weight,
            )
            for item in student.settings
        ],
    )


def _failures(result: PilotResult) -> list[ReportedFailure]:
    """Return rows that got a wrong label, the surest first, and rows that got none, in turn."""
    given = result.labelings[ENSEMBLE].given
    sureness = np.nan_to_num(result.probabilities, nan=0.0)
    wrong = [
        int(row) for row in np.argsort(-sureness, kind="stable") if given[row] >= 0 and given[row] != result.truth[row]
    ]
    silent = np.flatnonzero(given < 0).tolist()
    most_silent = min(len(silent), max(_MOST_FAILURES // 3, _MOST_FAILURES - len(wrong)))
    chosen = wrong[: _MOST_FAILURES - most_silent] + silent[:most_silent]
    return [_failure(result, row, int(given[row])) for row in chosen]


def _failure(result: PilotResult, row: int, given: int) -> ReportedFailure:
    task = result.rows.task
    votes = {
        program.name: task.label_names[vote]
        for program, vote in zip(result.ensemble.candidates, result.votes[row].tolist(), strict=True)
        if vote >= 0 and program in result.ensemble.programs
    }
    return ReportedFailure(
        record=one_line(task, result.rows.measured[row].record, _SHOWN_CHARACTERS),
        right=task.label_names[int(result.truth[row])],
        given=task.label_names[given] if given >= 0 else None,
        probability=_known(float(result.probabilities[row])),
        votes=votes,
    )


def _cost(result: PilotResult, price: Price | None, estimated: Estimate | None) -> ReportedCost:
    """Return what the version cost, and what it would have cost to have the LLM label the records itself."""
    cost = result.cost
    spent = cost.spent.tokens_in + cost.spent.tokens_out
    each = cost.tokens_in_per_record + cost.tokens_out_per_record
    dollars = price.cost(cost.spent.tokens_in, cost.spent.tokens_out) if price else math.nan
    dollars_each = price.cost(cost.tokens_in_per_record, cost.tokens_out_per_record) if price else math.nan
    ratio_tokens, ratio_dollars = _ratio(each * RECORDS, spent), _ratio(dollars_each * RECORDS, dollars)
    return ReportedCost(
        price=ReportedPrice(input=price.input, output=price.output) if price else None,
        synthesis=SynthesisCost(
            calls=cost.spent.calls,
            tokens_in=cost.spent.tokens_in,
            tokens_out=cost.spent.tokens_out,
            tokens=spent,
            dollars=_known(dollars),
        ),
        measuring=MeasuringCost(
            tokens_in=cost.measuring[0],
            tokens_out=cost.measuring[1],
            dollars=price.cost(*cost.measuring) if price else None,
        ),
        direct_per_record=RecordCost(
            tokens_in=_known(cost.tokens_in_per_record),
            tokens_out=_known(cost.tokens_out_per_record),
            tokens=_known(each),
            dollars=_known(dollars_each),
        ),
        records=RECORDS,
        direct=DirectCost(tokens=_known(each * RECORDS), dollars=_known(dollars_each * RECORDS)),
        ratio_tokens=ratio_tokens,
        ratio_dollars=ratio_dollars,
        ratio=ratio_dollars if price else ratio_tokens,
        break_even_records=math.ceil(spent / each) if each > 0 else None,
        estimated=EstimatedCost(**asdict(estimated)) if estimated else None,
    )


def _ratio(one: float, other: float) -> float | None:
    return _known(one / other) if other > 0 else None


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
