"""From the programs that an LLM wrote to a version that can be served.

The LLM labels some records itself, a student learns from these and all others, the programs that add something are
chosen, a label model is fitted, and all of it becomes a bundle.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from labelwright.core.bundle import Bundle, Program
from labelwright.core.errors import InvalidBundle
from labelwright.core.origin import WRITTEN, by_hand, origins
from labelwright.core.record import Record
from labelwright.sandbox import Sandbox
from labelwright.synthesis.asking.direct import DirectLabels, DirectLessons, label_directly
from labelwright.synthesis.asking.sampling import choose_examples, random_distinct
from labelwright.synthesis.authoring.author import Authored
from labelwright.synthesis.combining.bundle_writing import labeled_values, make_bundle
from labelwright.synthesis.combining.ensemble import Ensemble, Ingredients, build_ensemble
from labelwright.synthesis.combining.provenance import JUDGED, PLAN, provenance
from labelwright.synthesis.combining.written import seen_gold, written_by
from labelwright.synthesis.learning.calibration import direct_labels_tell
from labelwright.synthesis.learning.sources import LEARNED_NAMES
from labelwright.synthesis.llm.endpoint import AskFailed, BudgetExceeded
from labelwright.synthesis.llm.provider import Provider
from labelwright.synthesis.rows import Rows
from labelwright.synthesis.writing.round import Synthesis

_NOT_BETTER = "its labels of the gold rows are not surely better than the commonest label"

StepListener = Callable[[str, float], None]
"""Hears the name of a step and the share of it that is done."""


@dataclass(frozen=True, slots=True)
class VersionOptions:
    """``direct_labels`` records are labeled by the LLM itself, with ``direct_examples`` gold rows in each prompt."""

    direct_labels: int = 300
    direct_examples: int = 0
    with_student: bool = True
    seed: int = 0


@dataclass(frozen=True, slots=True)
class MadeVersion:
    """A version, how it was chosen, and the LLM's own labels of the gold rows.

    ``stopped`` says why the direct labels ended early, ``gold_note`` why gold rows taught nothing; empty where they did
    not, or did.
    """

    bundle: Bundle
    ensemble: Ensemble
    gold_direct: DirectLabels
    stopped: str = ""
    gold_note: str = ""

    @property
    def warning(self) -> str:
        """What must be said first of a version that is not worth running; empty of one that is."""
        measured = self.ensemble.measured
        if measured is None or not measured.is_no_better:
            return ""
        return (
            f"no better than always saying the commonest label: right on {measured.accuracy:.1%} of {measured.rows} "
            f"rows that it was not made from, the commonest label on {measured.commonest:.1%}"
        )


def make_version(
    sandbox: Sandbox,
    provider: Provider,
    rows: Rows,
    synthesis: Synthesis,
    options: VersionOptions,
    listener: StepListener = lambda *_: None,
    *,
    earlier: Bundle | None = None,
    authored: Authored | None = None,
) -> MadeVersion:
    """Return the version that the programs of ``synthesis`` become.

    The programs of the ``earlier`` version stand for choice beside those that were written, under their own names,
    unless these came of revising them; those that people wrote or changed serve as they are. Where the LLM fails at
    direct labels, the version is made without them. ``authored`` is what a capable model made besides the programs: its
    labels of records, so that it is not asked for others, and its guide. Raises InvalidBundle where there is no program
    at all.
    """
    lessons = (
        authored.lessons if authored else learn_directly(provider, rows, options, synthesis.options.guide, listener)
    )
    shown_gold = seen_gold(rows, origins(earlier)) if earlier else {}
    ingredients = Ingredients(
        rows,
        (*_unrevised(earlier, authored), *synthesis.programs),
        lessons.records.beliefs,
        lessons.gold.beliefs,
        shown_gold | {item.program.name: item.attempt.shown_gold for item in synthesis.kept},
        authored is not None,
        by_hand(earlier) if earlier else frozenset(),
    )
    try:
        ensemble = build_ensemble(
            sandbox,
            ingredients,
            seed=options.seed,
            with_student=options.with_student,
            listener=lambda share: listener("student", share),
        )
    except ValueError as error:
        raise InvalidBundle(
            "no program is fit to be kept, and there is nothing for a student to learn from",
            advice="give gold rows, try other strategies, or a stronger model",
        ) from error
    gold_note = _gold_note(rows)
    bundle = make_bundle(
        rows,
        ensemble.programs,
        label_model=ensemble.label_model(rows.task),
        provenance=provenance(
            provider,
            synthesis,
            {
                WRITTEN: written_by(provider.model, rows, synthesis, ensemble, earlier),
                **_decisions(ensemble, lessons, gold_note),
                **(_authored_json(rows, authored, ensemble) if authored else {}),
            },
            authored.exchanges if authored else (),
        ),
        guide=authored.guide if authored else "",
    )
    return MadeVersion(bundle, ensemble, lessons.gold, lessons.stopped, gold_note)


def _unrevised(earlier: Bundle | None, authored: Authored | None) -> Sequence[Program]:
    """Return the programs of an earlier version that are candidates as they were.

    A model that revised has them all, but for what was learned.
    """
    programs = earlier.programs if earlier else ()
    revised = authored is not None and authored.revised
    return [program for program in programs if not revised or program.name in LEARNED_NAMES]


def learn_directly(
    provider: Provider, rows: Rows, options: VersionOptions, guide: str, listener: StepListener
) -> DirectLessons:
    """Have the LLM label the gold rows and a sample of the records, of equal ones only one.

    The gold rows come first: where its labels of these are not surely better than the commonest label, the records are
    not asked about. Gold rows of one label alone cannot tell that, and do not hold it up. Gold rows that stand in the
    prompt count as not labeled. It goes by the labeling ``guide``, where there is one.
    """
    gold = DirectLabels.none(len(rows.gold), rows.label_count)
    records = DirectLabels.none(len(rows.records), rows.label_count)
    sample = random_distinct(rows.records, options.seed)[: options.direct_labels]
    if not sample:
        return DirectLessons(gold, records)
    examples = choose_examples(rows.task, rows.gold, options.direct_examples)
    example_records = [example.record for example in examples]

    def ask(asked_records: list[Record], step: str) -> DirectLabels:
        def report(done: int) -> None:
            listener(step, done / len(asked_records))

        return label_directly(provider, rows.task, asked_records, examples, guide, listener=report)

    try:
        gold = ask(rows.gold_records, "direct labels of gold rows")
        gold.forget([index for index, row in enumerate(rows.gold) if row.record in example_records])
        if rows.gold_teaches and not direct_labels_tell(gold.beliefs, rows.gold_labels):
            return DirectLessons(gold, records, _NOT_BETTER)
        records.put(sample, ask([rows.records[index] for index in sample], "direct labels to learn from"))
    except (AskFailed, BudgetExceeded) as error:
        return DirectLessons(gold, records, error.message)
    return DirectLessons(gold, records)


def _gold_note(rows: Rows) -> str:
    if not rows.gold or rows.gold_teaches:
        return ""
    name = rows.task.label_names[rows.gold_labels[0]]
    return f"all gold rows have the label {name}: they say nothing of the others, so nothing was learned from them"


def _authored_json(rows: Rows, authored: Authored, ensemble: Ensemble) -> dict[str, Any]:
    return {
        PLAN: [asdict(item) for item in authored.plan],
        JUDGED: [labeled_values(rows.task, row) for row in ensemble.judged],
    }


def _decisions(ensemble: Ensemble, lessons: DirectLessons, gold_note: str) -> dict[str, Any]:
    """Return what provenance says of the decisions after the programs were written."""
    student, head = ensemble.student, ensemble.head
    return {
        "direct_labels": {"records": int((lessons.records.labels >= 0).sum()), "stopped": lessons.stopped},
        "student": {
            "words": len(student.words),
            "accuracy_out_of_fold": round(student.accuracy, 4),
            "settings": [
                [item.pairs, item.evidence.value, item.smoothing, item.unlabeled_weight] for item in student.settings
            ],
        }
        if student
        else None,
        "head": {"accuracy_out_of_fold": round(head.accuracy, 4), "penalty": head.penalty} if head else None,
        "label_model": [
            {"method": item.fit.method, "score": round(item.score, 4), "collapsed": item.collapsed}
            for item in ensemble.choice.candidates
        ],
        "gold_note": gold_note,
        "gains": {name: round(gain, 4) for name, gain in ensemble.gains.items()},
        "left_out": ensemble.left_out,
        "measured": asdict(ensemble.measured) if ensemble.measured else None,
    }
