"""From the LLM's programs to what is served: a student beside them, the best of all, and their label model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from assay.core.bundle import Program
from assay.core.record import Record
from assay.core.row import Row
from assay.core.task import Task
from assay.sandbox import Sandbox
from assay.synthesis.calibration import is_told
from assay.synthesis.label_models import HIDDEN, Floats, Labels, Votes, decide
from assay.synthesis.sampling import random_order
from assay.synthesis.selection import (
    Choice,
    choose_label_model,
    choose_label_model_by_agreement,
    choose_programs,
    unseen_decisions,
)
from assay.synthesis.student import Student, fit_student
from assay.synthesis.student_material import Material
from assay.synthesis.student_source import STUDENT_NAMES, student_programs, text_fields
from assay.synthesis.voting import cast_votes

_MOST_RECORDS = 5000
_MOST_RECORDS_TIMES_LABELS = 80_000
"""Learning takes time in proportion; more records than these teach little more."""
_NO_GAIN = "adds nothing to the programs chosen before it"


@dataclass(frozen=True, slots=True)
class Ingredients:
    """What an ensemble is made of.

    Direct labels are log-probabilities, rows x labels, NaN where the LLM was not asked or gave no usable answer.
    ``shown_gold`` has for each program the gold rows that stood in its own prompts, by which it is not judged; where it
    is empty, all are judged by all rows. ``gold`` may be empty.
    """

    programs: Sequence[Program]
    records: Sequence[Record]
    gold: Sequence[Row]
    record_direct: Floats
    gold_direct: Floats
    shown_gold: Sequence[frozenset[int]] = ()


@dataclass(frozen=True, slots=True)
class Ensemble:
    """The programs that serve, sorted by name, and their label model.

    ``candidates`` are all programs that there were to choose from, and ``candidate_gold_votes`` gold rows x candidates,
    ``HIDDEN`` where the row stood in the program's own prompt; the student's votes are those of students that had not
    seen the row. ``gains`` is what each program added, in nats
    a gold row, in the order of choice; ``left_out`` says why of the others.
    """

    programs: tuple[Program, ...]
    candidates: tuple[Program, ...]
    choice: Choice
    candidate_gold_votes: Votes
    gold_labels: Labels
    gains: dict[str, float] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    student: Student | None = None

    @property
    def gold_votes(self) -> Votes:
        """Gold rows x programs that serve."""
        names = [program.name for program in self.candidates]
        return self.candidate_gold_votes[:, [names.index(program.name) for program in self.programs]]

    def label_model(self, task: Task) -> str:
        """Return the text of ``label_model.json``."""
        return self.choice.fit.dump(task.label_names, [program.name for program in self.programs])

    def unseen_labels(self, label_count: int, seed: int) -> Labels:
        """Return the ensemble's label of each gold row, by fits that had not seen the row."""
        if self.choice.fit.method == "weighted":
            return unseen_decisions(self.gold_votes, self.gold_labels, label_count, seed=seed)
        return decide(self.choice.fit, self.gold_votes, label_count)[0]


def build_ensemble(
    sandbox: Sandbox,
    task: Task,
    ingredients: Ingredients,
    *,
    seed: int,
    with_student: bool = True,
    progress: Callable[[float], None] = lambda _: None,
) -> Ensemble:
    """Return the ensemble. The same ingredients and seed give the same.

    Raises ValueError where there is nothing to make one of: no program, and no student either.
    """
    label_count = len(task.label_names)
    ingredients = _sampled(ingredients, min(_MOST_RECORDS, _MOST_RECORDS_TIMES_LABELS // label_count), seed)
    gold = np.array([row.label for row in ingredients.gold], dtype=np.int64)
    # A student of an earlier version gives way to the one that is made here.
    own_student = with_student and bool(text_fields(task))
    programs = [item for item in ingredients.programs if not own_student or item.name not in STUDENT_NAMES]
    gold_votes = cast_votes(sandbox, task, programs, [row.record for row in ingredients.gold])
    for column, shown in enumerate(ingredients.shown_gold):
        gold_votes[sorted(shown), column] = HIDDEN
    record_votes = cast_votes(sandbox, task, programs, ingredients.records)
    student = None
    if own_student:
        material = _material(task, ingredients, gold, gold_votes, record_votes)
        student = fit_student(material, label_count, seed=seed, progress=progress)
        if student:
            emitted = student_programs(
                task, student, gold_rows=len(material.gold_texts), unlabeled_rows=len(material.unlabeled_texts)
            )
            programs += emitted
            unseen = student.unseen_votes() if len(gold) else np.empty((0, 2), dtype=np.int64)
            gold_votes = np.hstack([gold_votes, unseen])
            record_votes = np.hstack([record_votes, cast_votes(sandbox, task, emitted, ingredients.records)])
    if not programs:
        raise ValueError("no program to make an ensemble of")
    return _choose(programs, student, gold, gold_votes, record_votes, label_count, seed)


def _sampled(ingredients: Ingredients, most: int, seed: int) -> Ingredients:
    """Return the ingredients with ``most`` records, those that the LLM labeled first."""
    if len(ingredients.records) <= most:
        return ingredients
    order = np.array(random_order(len(ingredients.records), seed))
    unlabeled_last = np.argsort(~is_told(ingredients.record_direct[order]), kind="stable")
    chosen = np.sort(order[unlabeled_last][:most])
    return replace(
        ingredients,
        records=[ingredients.records[index] for index in chosen.tolist()],
        record_direct=ingredients.record_direct[chosen],
    )


def _choose(
    programs: list[Program],
    student: Student | None,
    gold: Labels,
    gold_votes: Votes,
    record_votes: Votes,
    label_count: int,
    seed: int,
) -> Ensemble:
    alone = len(programs) - (2 if student else 0)
    # The student's two bands are one table: it comes whole or not at all.
    units = [(column,) for column in range(alone)] + ([(alone, alone + 1)] if student else [])
    ranked = choose_programs(gold_votes, gold, label_count, seed=seed, units=units) if len(gold) else []
    gains = {programs[item].name: gain for item, gain in ranked}
    # Where nothing helps on gold, all stay: an empty version cannot be served.
    kept = sorted(
        (index for index, program in enumerate(programs) if program.name in gains or not gains),
        key=lambda index: programs[index].name,
    )
    if len(gold):
        choice = choose_label_model(gold_votes[:, kept], gold, record_votes[:, kept], label_count, seed=seed)
    else:
        choice = choose_label_model_by_agreement(record_votes[:, kept], label_count)
    return Ensemble(
        programs=tuple(programs[index] for index in kept),
        candidates=tuple(programs),
        choice=choice,
        candidate_gold_votes=gold_votes,
        gold_labels=gold,
        gains=gains,
        left_out={program.name: _NO_GAIN for index, program in enumerate(programs) if index not in kept},
        student=student,
    )


def _material(task: Task, ingredients: Ingredients, gold: Labels, gold_votes: Votes, record_votes: Votes) -> Material:
    """Return what the student learns from. Without gold rows, the records that the LLM labeled stand in for them."""
    texts = [record_words(task, record) for record in ingredients.records]
    if len(gold):
        gold_texts = [record_words(task, row.record) for row in ingredients.gold]
        return Material(
            gold_texts, gold, texts, ingredients.gold_direct, ingredients.record_direct, gold_votes, record_votes
        )
    answered = np.flatnonzero(is_told(ingredients.record_direct))
    labels = ingredients.record_direct[answered].argmax(axis=1)
    unknown = np.full_like(ingredients.record_direct, np.nan)
    return Material(
        [texts[index] for index in answered],
        labels,
        texts,
        unknown[answered],
        unknown,
        record_votes[answered],
        record_votes,
    )


def record_words(task: Task, record: Record) -> str:
    """Return the record's texts in one, as the student's programs join them."""
    values = dict(zip(task.fields, record, strict=True))
    return " ".join(str(values[name] or "") for name in text_fields(task))
