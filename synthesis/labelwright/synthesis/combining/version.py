"""From the programs that an LLM wrote to a version that can be served.

The LLM labels some records itself, a student learns from these and all others, the programs that add something are
chosen, a label model is fitted, and all of it becomes a bundle.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from labelwright.core.bundle import Bundle, Program
from labelwright.core.errors import InvalidBundle
from labelwright.core.record import Record
from labelwright.core.row import Row
from labelwright.core.task import Task
from labelwright.sandbox import Sandbox
from labelwright.synthesis.asking.direct import DirectLabels, label_directly
from labelwright.synthesis.asking.sampling import choose_examples, random_distinct
from labelwright.synthesis.combining.bundle_writing import make_bundle
from labelwright.synthesis.combining.ensemble import Ensemble, Ingredients, build_ensemble
from labelwright.synthesis.combining.provenance import provenance
from labelwright.synthesis.learning.calibration import beliefs, direct_labels_tell
from labelwright.synthesis.llm.endpoint import AskFailed, BudgetExceeded
from labelwright.synthesis.llm.provider import Provider
from labelwright.synthesis.writing.round import Synthesis

_NOT_BETTER = "its labels of the gold rows are not surely better than the commonest label"

Progress = Callable[[str, float], None]
"""Told the step's name and the share of it that is done."""


@dataclass(frozen=True, slots=True)
class VersionMaterial:
    """A task, its ``task.toml``, its unlabeled records and its gold rows, of which there may be none.

    ``programs`` are there already: they stand for choice beside those that are written, under their names.
    """

    task: Task
    task_text: str
    records: Sequence[Record]
    gold: Sequence[Row]
    programs: Sequence[Program] = ()


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

    ``stopped`` says why the direct labels ended early; empty where they did not.
    """

    bundle: Bundle
    ensemble: Ensemble
    gold_direct: DirectLabels
    stopped: str = ""


def make_version(
    sandbox: Sandbox,
    provider: Provider,
    material: VersionMaterial,
    synthesis: Synthesis,
    options: VersionOptions,
    progress: Progress = lambda *_: None,
) -> MadeVersion:
    """Return the version that the programs of ``synthesis`` become.

    Where the LLM fails at direct labels, they are done without.

    Raises InvalidBundle where there is no program at all.
    """
    learned = learn_directly(provider, material, options, progress)
    ingredients = Ingredients(
        (*material.programs, *synthesis.programs),
        material.records,
        material.gold,
        beliefs(learned.records.labels, learned.records.scores),
        beliefs(learned.gold.labels, learned.gold.scores),
        {item.program.name: item.attempt.shown_gold for item in synthesis.kept},
    )
    try:
        ensemble = build_ensemble(
            sandbox,
            material.task,
            ingredients,
            seed=options.seed,
            with_student=options.with_student,
            progress=lambda share: progress("student", share),
        )
    except ValueError as error:
        raise InvalidBundle(
            "no program is fit to be kept, and there is nothing for a student to learn from",
            advice="give gold rows, try other strategies, or a stronger model",
        ) from error
    bundle = make_bundle(
        material.task,
        material.task_text,
        ensemble.programs,
        label_model=ensemble.label_model(material.task),
        provenance=provenance(provider, synthesis, _decisions(ensemble, learned)),
        gold=material.gold,
        records=material.records,
    )
    return MadeVersion(bundle, ensemble, learned.gold, learned.stopped)


@dataclass(frozen=True, slots=True)
class Learned:
    """The LLM's own labels of the gold rows and of all records, most of which it is not asked about.

    ``stopped`` says why it was asked about fewer than wanted.
    """

    gold: DirectLabels
    records: DirectLabels
    stopped: str = ""


def learn_directly(
    provider: Provider, material: VersionMaterial, options: VersionOptions, progress: Progress
) -> Learned:
    """Have the LLM label the gold rows and a sample of the records, of equal ones only one.

    The gold rows come first: where its labels of these tell nothing, the records are not asked about. Gold rows that
    stand in the prompt count as not labeled.
    """
    label_count = len(material.task.label_names)
    gold = DirectLabels.none(len(material.gold), label_count)
    records = DirectLabels.none(len(material.records), label_count)
    # A record may hold lists, which have no hash; its text has one.
    chosen = random_distinct([repr(record) for record in material.records], options.seed)[: options.direct_labels]
    if not chosen:
        return Learned(gold, records)
    examples = choose_examples(material.task, material.gold, options.direct_examples)
    shown = [example.record for example in examples]

    def ask(asked: list[Record], step: str) -> DirectLabels:
        def told(done: int) -> None:
            progress(step, done / len(asked))

        return label_directly(provider, material.task, asked, examples, progress=told)

    try:
        gold = ask([row.record for row in material.gold], "direct labels of gold rows")
        gold.forget([index for index, row in enumerate(material.gold) if row.record in shown])
        truth = np.array([row.label for row in material.gold], dtype=np.int64)
        if len(truth) and not direct_labels_tell(beliefs(gold.labels, gold.scores), truth):
            return Learned(gold, records, _NOT_BETTER)
        records.put(chosen, ask([material.records[index] for index in chosen], "direct labels to learn from"))
    except (AskFailed, BudgetExceeded) as error:
        return Learned(gold, records, error.message)
    return Learned(gold, records)


def _decisions(ensemble: Ensemble, learned: Learned) -> dict[str, Any]:
    """Return what provenance says of what was decided after the programs were written."""
    student, head = ensemble.student, ensemble.head
    return {
        "direct_labels": {"records": int((learned.records.labels >= 0).sum()), "stopped": learned.stopped},
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
        "gains": {name: round(gain, 4) for name, gain in ensemble.gains.items()},
        "left_out": ensemble.left_out,
    }
