"""From a pilot's result to its report."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from labelwright.core.bundle import Program
from labelwright.core.report import labels_without_rows
from labelwright.synthesis.arrays import HIDDEN, Labels
from labelwright.synthesis.asking.record_text import one_line
from labelwright.synthesis.llm.prices import Price
from labelwright.synthesis.pilot.curve import CurvePoint, escalation_curve, recommended
from labelwright.synthesis.pilot.report import (
    DirectCost,
    LabelF1,
    LabelModelChoice,
    MeasuringCost,
    PilotReport,
    RecordCost,
    ReportedCost,
    ReportedCurve,
    ReportedCurvePoint,
    ReportedDrop,
    ReportedFailure,
    ReportedLabeling,
    ReportedLabelModel,
    ReportedProgram,
    ReportedStudent,
    SynthesisCost,
)
from labelwright.synthesis.pilot.result import (
    BASELINE,
    DIRECT,
    DIRECT_CALIBRATED,
    ENSEMBLE,
    MAJORITY,
    MeasuredLabeling,
    PilotResult,
)
from labelwright.synthesis.statistics.chance import wilson
from labelwright.synthesis.writing.estimate import Estimate

RECORDS = 1_000_000
"""Records that the costs are compared at."""
_MOST_FAILURES = 12
"""That are shown: about a page of them. A third are rows without a label, where there are so many."""
_SHOWN_CHARACTERS = 240


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
            *_label_notes(result),
            *(f"direct labeling: no answer for {count} rows ({kind})" for kind, count in result.unanswered.items()),
        ],
        label_model=_label_model(result),
        student=_student(result),
        confusion=labelings[ENSEMBLE].quality.confusion.tolist(),
        failures=_failures(result),
        cost=_cost(result, price, estimated),
        curve=_curve(result, price),
    )


def _label_notes(result: PilotResult) -> list[str]:
    missing = labels_without_rows(result.rows.task.label_names, result.truth.tolist())
    return [f"labels without a measured row: {missing}; no figure tells how well these are given"] if missing else []


def _labeling(labeling: MeasuredLabeling, names: tuple[str, ...]) -> ReportedLabeling:
    quality = labeling.quality
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
        ensemble_minus_this=labeling.against_ensemble,
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
        settings=list(student.settings),
    )


def _failures(result: PilotResult) -> list[ReportedFailure]:
    """Return rows that got a wrong label, the surest first, and rows that got none, in turn."""
    labels = result.labelings[ENSEMBLE].labels
    sureness = np.nan_to_num(result.probabilities, nan=0.0)
    wrong = [
        int(row)
        for row in np.argsort(-sureness, kind="stable")
        if labels[row] >= 0 and labels[row] != result.truth[row]
    ]
    unlabeled = np.flatnonzero(labels < 0).tolist()
    most_unlabeled = min(len(unlabeled), max(_MOST_FAILURES // 3, _MOST_FAILURES - len(wrong)))
    shown_rows = wrong[: _MOST_FAILURES - most_unlabeled] + unlabeled[:most_unlabeled]
    return [_failure(result, row, int(labels[row])) for row in shown_rows]


def _failure(result: PilotResult, row: int, given: int) -> ReportedFailure:
    task = result.rows.task
    votes = {
        program.name: task.label_names[vote]
        for program, vote in zip(result.ensemble.candidates, result.votes[row].tolist(), strict=True)
        if vote >= 0 and program in result.ensemble.programs
    }
    return ReportedFailure(
        record=one_line(task, result.measured[row].record, _SHOWN_CHARACTERS),
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
        price=price,
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
        estimated=estimated,
    )


def _curve(result: PilotResult, price: Price | None) -> ReportedCurve | None:
    direct = result.labelings.get(DIRECT)
    if direct is None or not result.rows.test:  # the programs' probabilities are known as they are served
        return None
    rows = direct.rows
    labels = result.labelings[ENSEMBLE].labels[rows]
    points = escalation_curve(result.truth[rows], labels, result.probabilities[rows], direct.labels)
    choice = recommended(points)
    return ReportedCurve(
        rows=len(rows),
        points=[_curve_point(result, price, point) for point in points],
        recommended=choice.share,
        why=_why(points, choice),
    )


def _curve_point(result: PilotResult, price: Price | None, point: CurvePoint) -> ReportedCurvePoint:
    cost, sent = result.cost, point.share * RECORDS
    each = cost.tokens_in_per_record, cost.tokens_out_per_record
    return ReportedCurvePoint(
        share=point.share,
        sent=point.sent,
        accuracy=point.accuracy,
        interval=point.interval,
        against_direct=point.against_direct,
        tokens=_known(sum(each) * sent),
        dollars=_known(price.cost(each[0] * sent, each[1] * sent)) if price else None,
    )


def _why(points: Sequence[CurvePoint], choice: CurvePoint) -> str:
    nothing, everything = points[0], points[-1]
    best = max(points, key=lambda point: point.accuracy)
    if choice is nothing:
        return (
            f"the programs alone are right on {choice.accuracy:.1%}, and no share makes that more than a point better"
        )
    reaches = (
        "as good as any larger share"
        if best.accuracy <= choice.accuracy
        else f"within a point of the best, {best.accuracy:.1%} at {best.share:.0%}"
    )
    return (
        f"right on {choice.accuracy:.1%} instead of {nothing.accuracy:.1%} by the programs alone: {reaches}; "
        f"the model alone is right on {everything.accuracy:.1%}"
    )


def _ratio(one: float, other: float) -> float | None:
    return _known(one / other) if other > 0 else None


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
