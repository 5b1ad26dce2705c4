"""The pilot's report as one JSON document: everything that the page and the terminal show, and nothing else."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from labelwright.synthesis.asking.record_text import one_line
from labelwright.synthesis.llm.prices import Price
from labelwright.synthesis.pilot.result import (
    BASELINE,
    DIRECT,
    DIRECT_CALIBRATED,
    ENSEMBLE,
    MAJORITY,
    Labeling,
    PilotResult,
)
from labelwright.synthesis.statistics.chance import wilson
from labelwright.synthesis.statistics.evaluation import Quality
from labelwright.synthesis.statistics.label_models import HIDDEN
from labelwright.synthesis.writing.estimate import Estimate

RECORDS = 1_000_000
"""Records that the costs are compared at."""
_MOST_FAILURES = 12
_SHOWN_CHARACTERS = 240

Json = dict[str, Any]


def build_report(result: PilotResult, price: Price | None, estimated: Estimate | None = None) -> Json:
    """Return the report. Numbers that are not known are null.

    ``estimated`` is what the whole run was thought to take before it began.
    """
    labelings = result.labelings
    names = result.material.task.label_names
    return {
        "task": result.material.task.name,
        "model": result.model,
        "labels": list(names),
        "measured_on": "test" if result.material.test else "gold",
        "rows": len(result.truth),
        "gold_rows": len(result.material.gold),
        "records": len(result.material.records),
        "seed": result.options.seed,
        **{
            name: _labeling_json(labelings[name], names) if name in labelings else None
            for name in (ENSEMBLE, MAJORITY, DIRECT, DIRECT_CALIBRATED, BASELINE)
        },
        "programs_asked": result.written.asked,
        "programs_kept": len(result.written.programs),
        "programs": _programs_json(result),
        "dropped": [{"name": name, "reason": reason} for name, reason in result.written.dropped],
        "notes": [*result.notes, *_unanswered_notes(result)],
        "label_model": _label_model_json(result),
        "student": _student_json(result),
        "confusion": labelings[ENSEMBLE].quality.confusion.tolist(),
        "failures": _failures_json(result),
        "cost": {**_cost_json(result, price), "estimated": asdict(estimated) if estimated else None},
    }


def _labeling_json(labeling: Labeling, names: tuple[str, ...]) -> Json:
    document = _quality_json(labeling.quality, names)
    if labeling.against_ensemble:
        document["ensemble_minus_this"] = {
            "difference": labeling.against_ensemble.difference,
            "interval": list(labeling.against_ensemble.interval),
            "p_value": labeling.against_ensemble.p_value,
        }
    return document


def _quality_json(quality: Quality, names: tuple[str, ...]) -> Json:
    return {
        "rows": quality.rows,
        "accuracy": quality.accuracy,
        "interval": list(quality.interval),
        "accuracy_with_default": quality.accuracy_with_default,
        "interval_with_default": list(quality.interval_with_default),
        "coverage": quality.coverage,
        "covered_accuracy": quality.covered_accuracy,
        "macro_f1": quality.macro_f1,
        "macro_f1_interval": list(quality.macro_f1_interval),
        "f1": {
            name: {"f1": f1, "interval": list(interval)}
            for name, f1, interval in zip(names, quality.f1, quality.f1_intervals, strict=True)
        },
    }


def _programs_json(result: PilotResult) -> list[Json]:
    """Return the programs, those that serve first, by coverage."""
    serving = {program.name for program in result.ensemble.programs}
    programs = []
    for program, column in zip(result.ensemble.candidates, result.votes.T, strict=True):
        seen = column != HIDDEN
        votes = column[seen]
        voted = votes >= 0
        right = int((votes == result.truth[seen])[voted].sum())
        programs.append(
            {
                "name": program.name,
                "description": " ".join(program.description.partition("\n\n")[0].split()),
                "serves": program.name in serving,
                "gain": result.ensemble.gains.get(program.name),
                "why_not": result.ensemble.left_out.get(program.name),
                "coverage": int(voted.sum()) / max(1, len(votes)),
                "votes": int(voted.sum()),
                "accuracy": right / int(voted.sum()) if voted.any() else None,
                "interval": list(wilson(right, int(voted.sum()))) if voted.any() else None,
                "accuracy_over_all": right / max(1, len(votes)),
                "errors": int((votes < -1).sum()),
            }
        )
    return sorted(programs, key=lambda item: (not item["serves"], -item["coverage"], item["name"]))


def _unanswered_notes(result: PilotResult) -> list[str]:
    """Return how many rows of the comparison the LLM gave no answer to, by kind of failure."""
    return [f"direct labeling: no answer for {count} rows ({kind})" for kind, count in result.unanswered.items()]


def _label_model_json(result: PilotResult) -> Json:
    choice = result.ensemble.choice
    return {
        "method": choice.fit.method,
        "candidates": [
            {"method": item.fit.method, "score": item.score, "collapsed": item.collapsed} for item in choice.candidates
        ],
    }


def _student_json(result: PilotResult) -> Json | None:
    student = result.ensemble.student
    if student is None:
        return None
    return {
        "words": len(student.words),
        "accuracy_out_of_fold": student.accuracy,
        "clear_margin": student.clear,
        "pairs": student.pairs,
        "direct_gold_accuracy": _number(result.direct_gold_accuracy),
        "settings": [
            {
                "pairs": item.pairs,
                "evidence": item.evidence.value,
                "smoothing": item.smoothing,
                "unlabeled_weight": item.unlabeled_weight,
            }
            for item in student.settings
        ],
    }


def _failures_json(result: PilotResult) -> list[Json]:
    """Return rows that got a wrong label, the surest first, and rows that got none, in turn."""
    given = result.labelings[ENSEMBLE].given
    sureness = np.nan_to_num(result.probabilities, nan=0.0)
    wrong = [
        int(row) for row in np.argsort(-sureness, kind="stable") if given[row] >= 0 and given[row] != result.truth[row]
    ]
    silent = np.flatnonzero(given < 0).tolist()
    most_silent = min(len(silent), max(_MOST_FAILURES // 3, _MOST_FAILURES - len(wrong)))
    chosen = wrong[: _MOST_FAILURES - most_silent] + silent[:most_silent]
    return [_failure_json(result, row, int(given[row])) for row in chosen]


def _failure_json(result: PilotResult, row: int, given: int) -> Json:
    task = result.material.task
    votes = {
        program.name: task.label_names[vote]
        for program, vote in zip(result.ensemble.candidates, result.votes[row].tolist(), strict=True)
        if vote >= 0 and program in result.ensemble.programs
    }
    return {
        "record": one_line(task, result.material.measured_rows[row].record, _SHOWN_CHARACTERS),
        "right": task.label_names[int(result.truth[row])],
        "given": task.label_names[given] if given >= 0 else None,
        "probability": _number(float(result.probabilities[row])),
        "votes": votes,
    }


def _cost_json(result: PilotResult, price: Price | None) -> Json:
    """Return what the version cost and what the LLM labeling the records itself would have cost."""
    cost = result.cost
    spent = cost.spent.tokens_in + cost.spent.tokens_out
    each = cost.tokens_in_per_record + cost.tokens_out_per_record
    dollars = price.cost(cost.spent.tokens_in, cost.spent.tokens_out) if price else math.nan
    dollars_each = price.cost(cost.tokens_in_per_record, cost.tokens_out_per_record) if price else math.nan
    return {
        "price": {"input": price.input, "output": price.output} if price else None,
        "synthesis": {
            "calls": cost.spent.calls,
            "tokens_in": cost.spent.tokens_in,
            "tokens_out": cost.spent.tokens_out,
            "tokens": spent,
            "dollars": _number(dollars),
        },
        "measuring": {
            "tokens_in": cost.measuring[0],
            "tokens_out": cost.measuring[1],
            "dollars": price.cost(*cost.measuring) if price else None,
        },
        "direct_per_record": {
            "tokens_in": _number(cost.tokens_in_per_record),
            "tokens_out": _number(cost.tokens_out_per_record),
            "tokens": _number(each),
            "dollars": _number(dollars_each),
        },
        "records": RECORDS,
        "direct": {"tokens": _number(each * RECORDS), "dollars": _number(dollars_each * RECORDS)},
        "ratio_tokens": _ratio(each * RECORDS, spent),
        "ratio_dollars": _ratio(dollars_each * RECORDS, dollars),
        "ratio": _ratio(dollars_each * RECORDS, dollars) if price else _ratio(each * RECORDS, spent),
        "break_even_records": _rounded_up(spent / each) if each > 0 else None,
    }


def _ratio(one: float, other: float) -> float | None:
    return _number(one / other) if other > 0 else None


def _rounded_up(value: float) -> int | None:
    return math.ceil(value) if math.isfinite(value) else None


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def best_single_program(report: Mapping[str, Any]) -> Json | None:
    """Return the LLM-written or learned program that alone labels most rows rightly."""
    programs: list[Json] = list(report["programs"])
    return max(programs, key=lambda item: item["accuracy_over_all"]) if programs else None
