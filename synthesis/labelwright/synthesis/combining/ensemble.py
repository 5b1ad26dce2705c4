"""From the LLM's programs to what is served: student and head beside them, the best of all, their label model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from labelwright.core.bundle import Program
from labelwright.core.record import Record
from labelwright.core.row import Row
from labelwright.core.task import Task
from labelwright.sandbox import Sandbox
from labelwright.synthesis.asking.sampling import random_order
from labelwright.synthesis.combining.selection import (
    Choice,
    choose_label_model,
    choose_label_model_by_agreement,
    choose_programs,
    unseen_decisions,
)
from labelwright.synthesis.combining.voting import cast_votes
from labelwright.synthesis.learning.calibration import is_told, trust
from labelwright.synthesis.learning.head import Head, HeadMaterial, fit_head, number_fields, numbers_of
from labelwright.synthesis.learning.sources import (
    HEAD_NAMES,
    STUDENT_NAMES,
    head_programs,
    student_programs,
    text_fields,
)
from labelwright.synthesis.learning.student import Student, fit_student
from labelwright.synthesis.learning.student_rows import Material
from labelwright.synthesis.statistics.label_models import HIDDEN, Floats, Labels, Votes, decide

_MOST_RECORDS = 5000
_MOST_RECORDS_TIMES_LABELS = 80_000
"""Learning takes time in proportion; more records than these teach little more."""
_NO_GAIN = "adds nothing to the programs chosen before it"


@dataclass(frozen=True, slots=True)
class Ingredients:
    """What an ensemble is made of.

    Direct labels are log-probabilities, rows x labels, NaN where the LLM was not asked or gave no usable answer.
    ``shown_gold`` has for a program, by name, the gold rows that stood in its own prompts: by these it is not judged.
    ``gold`` may be empty.
    """

    programs: Sequence[Program]
    records: Sequence[Record]
    gold: Sequence[Row]
    record_direct: Floats
    gold_direct: Floats
    shown_gold: Mapping[str, frozenset[int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ensemble:
    """The programs that serve, sorted by name, and their label model.

    ``candidates`` are all programs that there were to choose from, and ``candidate_gold_votes`` gold rows x candidates,
    ``HIDDEN`` where the row stood in the program's own prompt; the votes of student and head are those of such that
    had not seen the row. ``gains`` is what each program added, in nats
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
    head: Head | None = None

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
    votes = _cast(sandbox, task, ingredients, own_student=with_student and bool(text_fields(task)))
    student = head = None
    if with_student:
        material = _material(task, ingredients, votes)
        if text_fields(task):
            student = fit_student(material, label_count, seed=seed, progress=progress)
        if student:
            emitted = student_programs(
                task, student, gold_rows=len(material.gold_texts), unlabeled_rows=len(material.unlabeled_texts)
            )
            votes.add(emitted, student.unseen_votes(), cast_votes(sandbox, task, emitted, ingredients.records))
        numbers = _head_material(task, ingredients, material)
        head = fit_head(numbers, label_count, seed=seed) if numbers else None
        if numbers and head:
            told = int(is_told(numbers.unlabeled_direct).sum()) if numbers.trust else 0
            emitted = head_programs(task, head, gold_rows=len(material.gold_labels), told_rows=told)
            votes.add(emitted, head.unseen_votes(), cast_votes(sandbox, task, emitted, ingredients.records))
    if not votes.programs:
        raise ValueError("no program to make an ensemble of")
    return replace(_choose(votes, label_count, seed), student=student, head=head)


@dataclass
class _Cast:
    """All programs so far with their votes. ``units`` are columns that come and go together."""

    programs: list[Program]
    gold: Labels
    gold_votes: Votes
    record_votes: Votes
    units: list[tuple[int, ...]]

    def add(self, emitted: Sequence[Program], unseen: Votes, record_votes: Votes) -> None:
        """Add programs that are one table and come whole or not at all, with their votes on gold rows not seen."""
        first = len(self.programs)
        self.programs += emitted
        self.units.append(tuple(range(first, first + len(emitted))))
        # Where the LLM's labels stood in for gold rows there is no row to choose by.
        self.gold_votes = np.hstack([self.gold_votes, unseen if len(self.gold) else unseen[:0]])
        self.record_votes = np.hstack([self.record_votes, record_votes])


def _cast(sandbox: Sandbox, task: Task, ingredients: Ingredients, *, own_student: bool) -> _Cast:
    # A student or head of an earlier version gives way to the one that is made here.
    given_way = (STUDENT_NAMES if own_student else frozenset()) | (HEAD_NAMES if number_fields(task) else frozenset())
    programs = [item for item in ingredients.programs if item.name not in given_way]
    gold_votes = cast_votes(sandbox, task, programs, [row.record for row in ingredients.gold])
    for column, program in enumerate(programs):
        gold_votes[sorted(ingredients.shown_gold.get(program.name, ())), column] = HIDDEN
    record_votes = cast_votes(sandbox, task, programs, ingredients.records)
    gold = np.array([row.label for row in ingredients.gold], dtype=np.int64)
    return _Cast(programs, gold, gold_votes, record_votes, [(column,) for column in range(len(programs))])


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


def _choose(votes: _Cast, label_count: int, seed: int) -> Ensemble:
    programs, gold = votes.programs, votes.gold
    chosen = choose_programs(votes.gold_votes, gold, label_count, seed=seed, units=votes.units) if len(gold) else []
    gains = {programs[item].name: gain for item, gain in chosen}
    # Where nothing helps on gold, all stay: an empty version cannot be served.
    kept = sorted(
        (index for index, program in enumerate(programs) if program.name in gains or not gains),
        key=lambda index: programs[index].name,
    )
    if len(gold):
        choice = choose_label_model(
            votes.gold_votes[:, kept], gold, votes.record_votes[:, kept], label_count, seed=seed
        )
    else:
        choice = choose_label_model_by_agreement(votes.record_votes[:, kept], label_count)
    return Ensemble(
        programs=tuple(programs[index] for index in kept),
        candidates=tuple(programs),
        choice=choice,
        candidate_gold_votes=votes.gold_votes,
        gold_labels=gold,
        gains=gains,
        left_out={program.name: _NO_GAIN for index, program in enumerate(programs) if index not in kept},
    )


def _material(task: Task, ingredients: Ingredients, votes: _Cast) -> Material:
    """Return what the student learns from. Without gold rows, the records that the LLM labeled stand in for them."""
    texts = [record_words(task, record) for record in ingredients.records]
    direct, columns = ingredients.record_direct, votes.record_votes
    if len(votes.gold):
        gold_texts = [record_words(task, row.record) for row in ingredients.gold]
        return Material(gold_texts, votes.gold, texts, ingredients.gold_direct, direct, votes.gold_votes, columns)
    answered = np.flatnonzero(is_told(direct))
    labels = direct[answered].argmax(axis=1)
    unknown = np.full_like(direct, np.nan)
    return Material(
        [texts[index] for index in answered], labels, texts, unknown[answered], unknown, columns[answered], columns
    )


def _head_material(task: Task, ingredients: Ingredients, material: Material) -> HeadMaterial | None:
    """Return what the head learns from: the same rows as the student."""
    unlabeled = numbers_of(task, ingredients.records)
    if unlabeled is None:
        return None
    if ingredients.gold:
        gold = numbers_of(task, [row.record for row in ingredients.gold])
    else:
        gold = unlabeled[is_told(ingredients.record_direct)]
    if gold is None or gold.shape[1] != unlabeled.shape[1] or not len(gold):
        return None
    label_count = len(task.label_names)
    return HeadMaterial(
        gold_numbers=gold,
        gold_labels=material.gold_labels,
        unlabeled_numbers=unlabeled,
        gold_direct=material.gold_direct,
        unlabeled_direct=material.unlabeled_direct,
        trust=trust(material.gold_direct, material.gold_labels, label_count),
    )


def record_words(task: Task, record: Record) -> str:
    """Return the record's texts in one, as the student's programs join them."""
    values = dict(zip(task.fields, record, strict=True))
    return " ".join(str(values[name] or "") for name in text_fields(task))
