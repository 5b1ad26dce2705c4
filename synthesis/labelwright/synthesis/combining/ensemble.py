"""From the LLM's programs to what is served: student and head beside them, the best of all, their label model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from labelwright.core.bundle import Program, program_digests
from labelwright.core.row import Row
from labelwright.core.task import Task
from labelwright.core.vote import ABSTAIN
from labelwright.sandbox import Sandbox
from labelwright.synthesis.arrays import HIDDEN, Floats, Labels, Votes
from labelwright.synthesis.asking.record_text import joined_texts
from labelwright.synthesis.asking.sampling import random_order
from labelwright.synthesis.combining.authored import fit_authored, helps, unfit_programs
from labelwright.synthesis.combining.selection import (
    Candidate,
    Choice,
    choose_label_model,
    choose_label_model_by_agreement,
    choose_programs,
    unseen_decisions,
)
from labelwright.synthesis.learning.calibration import answered, trust
from labelwright.synthesis.learning.head import Head, HeadRows, fit_head, number_fields, numbers_of
from labelwright.synthesis.learning.sources import (
    HEAD_NAMES,
    LEARNED_NAMES,
    STUDENT_NAMES,
    head_programs,
    student_programs,
    text_fields,
)
from labelwright.synthesis.learning.student import Student, fit_student
from labelwright.synthesis.learning.student_rows import StudentRows
from labelwright.synthesis.rows import Rows
from labelwright.synthesis.statistics.label_models import decide
from labelwright.synthesis.writing.voting import cast_votes

_MOST_RECORDS = 5000
_MOST_RECORDS_TIMES_LABELS = 80_000
"""Learning takes time in proportion; more records than these teach little more."""
_NO_GAIN = "adds nothing to the programs chosen before it"


@dataclass(frozen=True, slots=True)
class Ingredients:
    """What an ensemble is made of.

    Beliefs are the LLM's, as ``DirectLabels`` has them. ``shown_gold`` has for a program, by name, the gold rows that
    stood in its own prompts: by these it is not judged. ``authored`` programs are a capable model's. The programs named
    in ``kept`` serve in any case: people wrote them.
    """

    rows: Rows
    programs: Sequence[Program]
    record_beliefs: Floats
    gold_beliefs: Floats
    shown_gold: Mapping[str, frozenset[int]] = field(default_factory=dict)
    authored: bool = False
    kept: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Measured:
    """Accuracy of an ensemble, and of always giving the commonest label, on rows that it was not fitted to."""

    rows: int
    accuracy: float
    commonest: float

    @property
    def is_no_better(self) -> bool:
        """Whether the ensemble is not worth running."""
        return self.accuracy <= self.commonest


@dataclass(frozen=True, slots=True)
class Ensemble:
    """The programs that serve, sorted by name, and their label model.

    ``candidates`` are all programs that there were to choose from, and ``candidate_gold_votes`` gold rows x candidates,
    ``HIDDEN`` where the row stood in the program's own prompt; student and head vote there by fits that have not seen
    the row. ``gains`` is what each program added, in nats a gold row, in the order of choice; ``left_out`` says why the
    others do not serve.
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
    measured: Measured | None = None
    """None where there are no rows to measure by."""
    judged: tuple[Row, ...] = ()
    """Records by which a capable model's programs were measured too, with the labels that it gave them itself."""

    @property
    def gold_votes(self) -> Votes:
        """Gold rows x programs that serve."""
        names = [program.name for program in self.candidates]
        return self.candidate_gold_votes[:, [names.index(program.name) for program in self.programs]]

    @property
    def unshown_gold(self) -> Labels:
        """The indexes of the gold rows that stood in no prompt of a program that serves."""
        return np.flatnonzero((self.gold_votes != HIDDEN).all(axis=1))

    def label_model(self, task: Task) -> str:
        """Return the text of ``label_model.json``."""
        return self.choice.fit.dump(task.label_names, program_digests(self.programs))

    def unseen_labels(self, label_count: int, seed: int) -> Labels:
        """Return the ensemble's label of each gold row, by fits that have not seen the row."""
        if self.choice.fit.method == "weighted":
            return unseen_decisions(self.gold_votes, self.gold_labels, label_count, seed=seed)
        return decide(self.choice.fit, self.gold_votes, label_count)[0]


def build_ensemble(
    sandbox: Sandbox,
    ingredients: Ingredients,
    *,
    seed: int,
    with_student: bool = True,
    listener: Callable[[float], None] = lambda _: None,
) -> Ensemble:
    """Return the ensemble. The same ingredients and seed give the same.

    Gold rows of one label alone only have votes: what is learned and chosen is so as without gold rows.
    ``listener`` hears the share of the student's work that is done. Raises ValueError where there is nothing to make an
    ensemble of: no program, and no student either.
    """
    label_count = ingredients.rows.label_count
    ingredients = _sampled(ingredients, min(_MOST_RECORDS, _MOST_RECORDS_TIMES_LABELS // label_count), seed)
    rows = ingredients.rows
    task, records = rows.task, rows.records
    # A table that people corrected is theirs: none is made in its place.
    own_student = with_student and bool(text_fields(task)) and not ingredients.kept & STUDENT_NAMES
    own_head = with_student and not ingredients.kept & HEAD_NAMES
    ballot = _first_ballot(sandbox, ingredients, own_student=own_student, own_head=own_head)
    authored = len(ballot.programs)
    student = head = None

    def gold_votes(programs: Sequence[Program], fitted: Student | Head) -> Votes:
        """Return votes that have not seen the rows. What did not learn from them may be asked as it is."""
        return fitted.unseen_votes() if rows.gold_teaches else cast_votes(sandbox, task, programs, rows.gold_records)

    if with_student:
        student_rows = _student_rows(ingredients, ballot)
        if own_student:
            student = fit_student(student_rows, label_count, seed=seed, listener=listener)
        if student:
            programs = student_programs(
                task, student, gold_rows=len(student_rows.gold_texts), unlabeled_rows=len(student_rows.unlabeled_texts)
            )
            ballot.add(programs, gold_votes(programs, student), cast_votes(sandbox, task, programs, records))
        head_rows = _head_rows(ingredients, student_rows) if own_head else None
        head = fit_head(head_rows, label_count, seed=seed) if head_rows else None
        if head_rows and head:
            labeled = int(answered(head_rows.unlabeled_beliefs).sum()) if head_rows.trust else 0
            programs = head_programs(task, head, gold_rows=len(student_rows.gold_labels), labeled_rows=labeled)
            ballot.add(programs, gold_votes(programs, head), cast_votes(sandbox, task, programs, records))
    if not ballot.programs:
        raise ValueError("no program to make an ensemble of")
    if ingredients.authored:
        return replace(_choose_authored(ingredients, ballot, authored, seed), student=student, head=head)
    return replace(_choose(ingredients, ballot, seed), student=student, head=head)


@dataclass
class _Ballot:
    """All programs so far with their votes. ``units`` are columns that come and go together."""

    programs: list[Program]
    gold: Labels
    gold_votes: Votes
    record_votes: Votes
    units: list[tuple[int, ...]]

    def columns(self, names: frozenset[str]) -> list[int]:
        """Return the columns of the programs with these names."""
        return [column for column, program in enumerate(self.programs) if program.name in names]

    def add(self, programs: Sequence[Program], unseen: Votes, record_votes: Votes) -> None:
        """Add programs that come together or not at all, with their votes on gold rows that they have not seen."""
        first = len(self.programs)
        self.programs += programs
        self.units.append(tuple(range(first, first + len(programs))))
        self.gold_votes = np.hstack([self.gold_votes, unseen])
        self.record_votes = np.hstack([self.record_votes, record_votes])


def _first_ballot(sandbox: Sandbox, ingredients: Ingredients, *, own_student: bool, own_head: bool) -> _Ballot:
    """Return the votes of the programs that are there already."""
    rows = ingredients.rows
    # A student or head of an earlier version is replaced by the one that is made here.
    outdated = (STUDENT_NAMES if own_student else frozenset()) | (
        HEAD_NAMES if own_head and number_fields(rows.task) else frozenset()
    )
    programs = [item for item in ingredients.programs if item.name not in outdated]
    gold_votes = cast_votes(sandbox, rows.task, programs, rows.gold_records)
    for column, program in enumerate(programs):
        gold_votes[sorted(ingredients.shown_gold.get(program.name, ())), column] = HIDDEN
    record_votes = cast_votes(sandbox, rows.task, programs, rows.records)
    units: list[tuple[int, ...]] = [(column,) for column in range(len(programs))]
    return _Ballot(programs, rows.gold_labels, gold_votes, record_votes, units)


def _sampled(ingredients: Ingredients, most: int, seed: int) -> Ingredients:
    """Return the ingredients with ``most`` records, those that the LLM labeled first."""
    rows = ingredients.rows
    if len(rows.records) <= most:
        return ingredients
    order = np.array(random_order(len(rows.records), seed))
    labeled_first = np.argsort(~answered(ingredients.record_beliefs[order]), kind="stable")
    sample = np.sort(order[labeled_first][:most])
    return replace(
        ingredients,
        rows=replace(rows, records=[rows.records[index] for index in sample.tolist()]),
        record_beliefs=ingredients.record_beliefs[sample],
    )


def _choose(ingredients: Ingredients, ballot: _Ballot, seed: int) -> Ensemble:
    programs, gold = ballot.programs, ballot.gold
    label_count, teaches = ingredients.rows.label_count, ingredients.rows.gold_teaches
    kept = ballot.columns(ingredients.kept)
    choices = (
        choose_programs(ballot.gold_votes, gold, label_count, seed=seed, units=ballot.units, kept=kept)
        if teaches
        else []
    )
    gains = {programs[item].name: gain for item, gain in choices}
    # Where nothing helps on gold, all stay: an empty version cannot be served.
    chosen = gains.keys() | ingredients.kept if teaches else frozenset()
    serving = sorted(
        (index for index, program in enumerate(programs) if program.name in chosen or not chosen),
        key=lambda index: programs[index].name,
    )
    if teaches:
        choice = choose_label_model(
            ballot.gold_votes[:, serving], gold, ballot.record_votes[:, serving], label_count, seed=seed
        )
    else:
        choice = choose_label_model_by_agreement(ballot.record_votes[:, serving], label_count)
    return Ensemble(
        programs=tuple(programs[index] for index in serving),
        candidates=tuple(programs),
        choice=choice,
        candidate_gold_votes=ballot.gold_votes,
        gold_labels=gold,
        gains=gains,
        left_out={program.name: _NO_GAIN for index, program in enumerate(programs) if index not in serving},
        measured=_measured(gold, choice.candidates[0].score) if teaches else None,
    )


def _measured(truth: Labels, accuracy: float) -> Measured | None:
    return Measured(len(truth), accuracy, float(np.bincount(truth).max() / len(truth))) if len(truth) else None


def _choose_authored(ingredients: Ingredients, ballot: _Ballot, authored: int, seed: int) -> Ensemble:
    """Return the ensemble by rows that no program has seen: held gold, and records that a trusted judge labeled.

    The first ``authored`` programs were written, the others learned.
    """
    rows = ingredients.rows
    # What is learned has seen every gold row, and holds none back from the others.
    written = np.delete(ballot.gold_votes, ballot.columns(LEARNED_NAMES), axis=1)
    held = (written != HIDDEN).all(axis=1)
    votes, truth = ballot.gold_votes[held], ballot.gold[held]
    judged: tuple[Row, ...] = ()
    if not len(ballot.gold) or trust(ingredients.gold_beliefs, ballot.gold, rows.label_count):
        has_label = answered(ingredients.record_beliefs)
        labels = ingredients.record_beliefs[has_label].argmax(axis=1)
        judged = tuple(
            Row(rows.records[index], label, "")
            for index, label in zip(np.flatnonzero(has_label).tolist(), labels.tolist(), strict=True)
        )
        judged_votes = ballot.record_votes[has_label]
        # Student and head learned from these very labels.
        judged_votes[:, authored:] = ABSTAIN
        votes = np.vstack([votes, judged_votes])
        truth = np.concatenate([truth, labels])
    votes = np.maximum(votes, ABSTAIN)
    known = ballot.gold if len(ballot.gold) else truth
    prior = (np.bincount(known, minlength=rows.label_count) + 1.0) / (len(known) + rows.label_count)
    unfit = unfit_programs(votes[:, :authored], truth, prior, ballot.columns(ingredients.kept))
    for unit in ballot.units[authored:]:
        serving = [index for index in range(authored) if index not in unfit]
        if not helps(votes[: held.sum()], serving, unit, truth[: held.sum()], prior):
            unfit |= dict.fromkeys(unit, _NO_GAIN)
    serving = sorted(
        (index for index in range(len(ballot.programs)) if index not in unfit),
        key=lambda index: ballot.programs[index].name,
    )
    candidates = [
        Candidate(fit, accuracy, collapsed=False)
        for fit, accuracy in fit_authored(votes[:, serving], truth, prior, seed=seed)
    ]
    return Ensemble(
        programs=tuple(ballot.programs[index] for index in serving),
        candidates=tuple(ballot.programs),
        choice=Choice(candidates[0].fit, tuple(candidates)),
        candidate_gold_votes=ballot.gold_votes,
        gold_labels=ballot.gold,
        left_out={ballot.programs[index].name: reason for index, reason in unfit.items()},
        measured=_measured(truth, candidates[0].score),
        judged=judged,
    )


def _student_rows(ingredients: Ingredients, ballot: _Ballot) -> StudentRows:
    """Return what the student learns from. Where gold teaches nothing, the records that the LLM labeled stand in."""
    rows, beliefs, votes = ingredients.rows, ingredients.record_beliefs, ballot.record_votes
    texts = [joined_texts(rows.task, record) for record in rows.records]
    if rows.gold_teaches:
        gold_texts = [joined_texts(rows.task, record) for record in rows.gold_records]
        return StudentRows(gold_texts, ballot.gold, texts, ingredients.gold_beliefs, beliefs, ballot.gold_votes, votes)
    labeled = np.flatnonzero(answered(beliefs))
    labels = beliefs[labeled].argmax(axis=1)
    unknown = np.full_like(beliefs, np.nan)
    return StudentRows(
        [texts[index] for index in labeled], labels, texts, unknown[labeled], unknown, votes[labeled], votes
    )


def _head_rows(ingredients: Ingredients, student_rows: StudentRows) -> HeadRows | None:
    """Return what the head learns from: the same rows as the student."""
    rows = ingredients.rows
    unlabeled = numbers_of(rows.task, rows.records)
    if unlabeled is None:
        return None
    labeled = unlabeled[answered(ingredients.record_beliefs)]
    gold = numbers_of(rows.task, rows.gold_records) if rows.gold_teaches else labeled
    if gold is None or gold.shape[1] != unlabeled.shape[1] or not len(gold):
        return None
    return HeadRows(
        gold_numbers=gold,
        gold_labels=student_rows.gold_labels,
        unlabeled_numbers=unlabeled,
        gold_beliefs=student_rows.gold_beliefs,
        unlabeled_beliefs=student_rows.unlabeled_beliefs,
        trust=trust(student_rows.gold_beliefs, student_rows.gold_labels, rows.label_count),
    )
