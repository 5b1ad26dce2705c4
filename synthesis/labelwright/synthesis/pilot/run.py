"""The pilot: what a task's programs are worth and what they cost, beside the ways of doing without them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace

import numpy as np
from labelwright.core.bundle import Bundle
from labelwright.core.errors import ConfigurationError
from labelwright.core.record import pack
from labelwright.core.row import Row
from labelwright.core.vote import ABSTAIN
from labelwright.sandbox import Labeler, Sandbox
from labelwright.synthesis.arrays import Floats, Labels, Votes
from labelwright.synthesis.asking.direct import DirectLabels, label_directly
from labelwright.synthesis.asking.record_text import joined_texts
from labelwright.synthesis.asking.sampling import choose_examples, random_order
from labelwright.synthesis.asking.strategies import has_text
from labelwright.synthesis.combining.ensemble import Ensemble
from labelwright.synthesis.combining.run import run_synthesis
from labelwright.synthesis.combining.version import MadeVersion, StepListener, VersionOptions
from labelwright.synthesis.learning.calibration import answered, fit_calibration
from labelwright.synthesis.llm.endpoint import AskFailed, BudgetExceeded
from labelwright.synthesis.llm.provider import Provider
from labelwright.synthesis.pilot.baselines import (
    commonest_label,
    require_scikit_learn,
    tfidf_labels,
    unseen_tfidf_labels,
)
from labelwright.synthesis.pilot.result import (
    BASELINE,
    DIRECT,
    DIRECT_CALIBRATED,
    ENSEMBLE,
    MAJORITY,
    WAYS,
    MeasuredLabeling,
    PilotCost,
    PilotOptions,
    PilotResult,
    PilotRows,
    WrittenPrograms,
)
from labelwright.synthesis.rows import labels_of, records_of
from labelwright.synthesis.statistics.evaluation import compare, measure
from labelwright.synthesis.text.scripts import puts_no_spaces
from labelwright.synthesis.writing.round import WritingOptions
from labelwright.synthesis.writing.voting import cast_votes


def run_pilot(
    sandbox: Sandbox,
    provider: Provider,
    rows: PilotRows,
    writing: WritingOptions,
    options: PilotOptions,
    listener: StepListener = lambda *_: None,
    note: Callable[[str], None] = lambda words: None,  # noqa: ARG005 - a listener's parameter
) -> tuple[PilotResult, Bundle]:
    """Have programs written, make a version of them, and measure it. Returns the findings, and the version.

    Raises ConfigurationError where there are no rows to measure on or an option cannot be met, AskFailed where the
    endpoint cannot be used.
    """
    if not rows.measured:
        raise ConfigurationError("there are no rows to measure on", advice="give gold rows, test rows, or both")
    if options.baseline:
        _check_baseline(rows)
    step = "programs"
    made = run_synthesis(
        rows,
        provider,
        sandbox,
        writing,
        VersionOptions(options.direct_labels, options.direct_examples, options.with_student, options.seed),
        lambda _, asked: listener(step, asked / writing.programs),
        listener,
        note,
    )
    synthesis, version = made.synthesis, made.version
    dropped = [(item.name, f"{item.reason}: {item.message}") for item in synthesis.dropped]
    written = WrittenPrograms(writing.programs, len(synthesis.kept), dropped, synthesis.stopped)
    return measure_pilot(sandbox, provider, rows, options, written, version, listener, writing.guide), version.bundle


def measure_pilot(
    sandbox: Sandbox,
    provider: Provider,
    rows: PilotRows,
    options: PilotOptions,
    written: WrittenPrograms,
    version: MadeVersion,
    listener: StepListener = lambda *_: None,
    guide: str = "",
) -> PilotResult:
    """Return what a version is worth, measured as it is served, beside its alternatives.

    Asks the LLM for the labels of a sample of the measured rows, by the labeling ``guide`` that was given. Raises
    ConfigurationError where the baseline is asked for and cannot be made.
    """
    ensemble, gold_answers = version.ensemble, version.gold_direct.labels
    comparable, comparable_note = _comparable_rows(rows, ensemble)
    measured = [rows.measured[index] for index in comparable]
    truth = labels_of(measured)
    labels, probabilities = _ensemble_labels(sandbox, rows, ensemble, version.bundle, options.seed)
    labels, probabilities = labels[comparable], probabilities[comparable]
    before = provider.ledger.worth()
    sample, direct = _ask_directly(provider, rows, measured, options, guide, listener)
    after = provider.ledger.worth()
    labelings = _Labelings(rows, truth, labels)
    labelings.add(ENSEMBLE, labels)
    labelings.add(MAJORITY, np.full(len(truth), labelings.default))
    labelings.add(DIRECT, direct.labels, sample)
    has_answer = gold_answers >= 0
    if rows.test and has_answer.any() and rows.gold_teaches:
        labelings.add(DIRECT_CALIBRATED, _calibrated(rows, version.gold_direct, direct), sample)
    if options.baseline:
        listener("baseline", 0.0)
        labelings.add(BASELINE, _baseline_labels(rows, options.seed)[comparable])
    baseline_note = (
        f"{WAYS[BASELINE]} reads one to three characters in a row as a word: the records' script puts no spaces"
        if options.baseline and puts_no_spaces(_gold_texts(rows))
        else ""
    )
    tokens_in, tokens_out = direct.tokens_per_record
    gold_hits = (gold_answers == rows.gold_labels)[has_answer]
    return PilotResult(
        rows=rows,
        options=options,
        written=written,
        ensemble=ensemble,
        measured=measured,
        truth=truth,
        labelings=labelings.measured,
        probabilities=probabilities,
        votes=_candidate_votes(sandbox, rows, ensemble)[comparable],
        cost=PilotCost(
            spent=before,
            measuring=(after.tokens_in - before.tokens_in, after.tokens_out - before.tokens_out),
            tokens_in_per_record=tokens_in,
            tokens_out_per_record=tokens_out,
        ),
        model=provider.model,
        direct_gold_accuracy=float(gold_hits.mean()) if len(gold_hits) else float("nan"),
        notes=[
            f"{step} ended early: {stopped}"
            for step, stopped in (("programs", written.stopped), ("direct labels", version.stopped))
            if stopped
        ]
        + [note for note in (version.gold_note, comparable_note, baseline_note) if note],
        unanswered=direct.unanswered,
    )


def _comparable_rows(rows: PilotRows, ensemble: Ensemble) -> tuple[Labels, str]:
    """Return the indexes of the measured rows on which every way of labeling may be judged, and what there is to say.

    A program may not vote on gold rows that stood in its prompt, which the other ways of labeling have not seen either.
    """
    everything = np.arange(len(rows.measured))
    if rows.test or len(ensemble.unshown_gold) == len(everything):
        return everything, ""
    if not len(ensemble.unshown_gold):
        note = "each gold row stood in the prompt of a program that serves and has no vote on it: give test rows"
        return everything, note
    shown = len(everything) - len(ensemble.unshown_gold)
    return (
        ensemble.unshown_gold,
        f"{shown} gold rows stood in prompts of programs that serve: nothing is measured on them",
    )


class _Labelings:
    """Collects ways of labeling the measured rows, each with its figures."""

    def __init__(self, rows: PilotRows, truth: Labels, ensemble: Labels) -> None:
        self.default = commonest_label(labels_of(rows.gold or rows.test))
        self.measured: dict[str, MeasuredLabeling] = {}
        self._label_count = rows.label_count
        self._truth = truth
        self._ensemble = ensemble

    def add(self, name: str, labels: Labels, rows: Labels | None = None) -> None:
        """Measure labels ``given`` to the measured rows with the indexes ``rows``, or to all."""
        rows = np.arange(len(self._truth)) if rows is None else rows
        if not len(rows):
            return
        truth = self._truth[rows]
        self.measured[name] = MeasuredLabeling(
            labels,
            measure(truth, labels, self._label_count, default=self.default),
            rows,
            None if name == ENSEMBLE else compare(truth, self._ensemble[rows], labels),
        )


def _ensemble_labels(
    sandbox: Sandbox, rows: PilotRows, ensemble: Ensemble, bundle: Bundle, seed: int
) -> tuple[Labels, Floats]:
    """Return labels and probabilities: of test rows as served, of gold rows out of fold."""
    if not rows.test:
        labels = ensemble.unseen_labels(rows.label_count, seed)
        return labels, np.full(len(labels), np.nan)
    packed = [pack(row.record, rows.task.limits.record_bytes) for row in rows.test]
    with closing(Labeler.open(sandbox, bundle)) as labeler:
        decisions = [labeled.decision for labeled in labeler.label(packed)]
    return (
        np.array([decision.label for decision in decisions], dtype=np.int64),
        np.array([decision.probability for decision in decisions], dtype=np.float64),
    )


def _candidate_votes(sandbox: Sandbox, rows: PilotRows, ensemble: Ensemble) -> Votes:
    if not rows.test:
        return ensemble.candidate_gold_votes
    return cast_votes(sandbox, rows.task, ensemble.candidates, records_of(rows.test))


def _ask_directly(
    provider: Provider,
    rows: PilotRows,
    measured: Sequence[Row],
    options: PilotOptions,
    guide: str,
    listener: StepListener,
) -> tuple[Labels, DirectLabels]:
    """Return which of the measured rows the LLM labeled, and its answers."""
    sample = np.array(random_order(len(measured), options.seed)[: options.direct_sample], dtype=np.int64)
    examples = choose_examples(rows.task, rows.gold, options.direct_examples) if rows.test else []
    records = [measured[index].record for index in sample]
    step = "direct labels to compare with"
    try:
        answers = label_directly(
            provider, rows.task, records, examples, guide, listener=lambda done: listener(step, done / len(records))
        )
    except (AskFailed, BudgetExceeded) as error:
        # The version stands, it only cannot be compared; what was asked so far is in the ledger.
        nothing = DirectLabels.none(0, rows.label_count)
        return sample[:0], replace(nothing, unanswered={error.reason: len(records)})
    return sample, answers


def _calibrated(rows: PilotRows, gold_direct: DirectLabels, direct: DirectLabels) -> Labels:
    """Return the LLM's answers as the gold rows calibrate them; -1 where there is none."""
    calibration = fit_calibration(gold_direct.beliefs, rows.gold_labels, rows.label_count)
    beliefs = direct.beliefs
    return np.where(answered(beliefs), calibration.scores(beliefs).argmax(axis=1), ABSTAIN)


def _check_baseline(rows: PilotRows) -> None:
    """Refuse before money is spent. Raises ConfigurationError."""
    require_scikit_learn()
    if not has_text(rows.task) or not rows.gold:
        raise ConfigurationError("the TF-IDF baseline needs a text field and gold rows", advice="leave it out")


def _baseline_labels(rows: PilotRows, seed: int) -> Labels:
    """Return the labels that a text classifier gives the measured rows, having learned from the gold rows."""
    texts = _gold_texts(rows)
    if not rows.test:
        return unseen_tfidf_labels(texts, rows.gold_labels, seed=seed)
    return tfidf_labels(texts, rows.gold_labels, [joined_texts(rows.task, row.record) for row in rows.test])


def _gold_texts(rows: PilotRows) -> list[str]:
    return [joined_texts(rows.task, record) for record in rows.gold_records]
