"""The pilot: what a task's programs are worth and what they cost, beside the ways of doing without them."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import numpy as np
from labelwright.core.bundle import Bundle
from labelwright.core.errors import ConfigurationError
from labelwright.core.record import pack
from labelwright.core.vote import ABSTAIN
from labelwright.sandbox import Labeler, Sandbox
from labelwright.synthesis.asking.direct import DirectLabels, label_directly
from labelwright.synthesis.asking.sampling import choose_examples, random_order
from labelwright.synthesis.combining.ensemble import Ensemble, record_words
from labelwright.synthesis.combining.version import MadeVersion, Progress, VersionMaterial, VersionOptions, make_version
from labelwright.synthesis.combining.voting import cast_votes
from labelwright.synthesis.learning.calibration import beliefs, fit_calibration, is_told
from labelwright.synthesis.learning.sources import text_fields
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
    Labeling,
    PilotCost,
    PilotMaterial,
    PilotOptions,
    PilotResult,
    Written,
)
from labelwright.synthesis.statistics.evaluation import compare, measure
from labelwright.synthesis.statistics.label_models import Floats, Labels, Votes
from labelwright.synthesis.writing.round import SynthesisSettings, synthesize


def run_pilot(
    sandbox: Sandbox,
    provider: Provider,
    material: PilotMaterial,
    task_text: str,
    settings: SynthesisSettings,
    options: PilotOptions,
    progress: Progress = lambda *_: None,
) -> tuple[PilotResult, Bundle]:
    """Have programs written, make a version of them, and measure it. Returns what was found, and the version.

    Raises ConfigurationError where there are no rows to measure on or an option cannot be met, AskFailed where the
    endpoint cannot be used.
    """
    if not material.measured_rows:
        raise ConfigurationError("there are no rows to measure on", advice="give gold rows, test rows, or both")
    if options.baseline:
        _check_baseline(material)
    step = "programs"
    synthesis = synthesize(
        material.task,
        material.records,
        material.gold,
        provider,
        sandbox,
        settings,
        lambda _, asked: progress(step, asked / settings.programs),
    )
    made = make_version(
        sandbox,
        provider,
        VersionMaterial(material.task, task_text, material.records, material.gold),
        synthesis,
        VersionOptions(options.direct_labels, options.direct_examples, options.with_student, options.seed),
        progress,
    )
    dropped = [(item.name, f"{item.reason}: {item.message}") for item in synthesis.dropped]
    written = Written(settings.programs, synthesis.programs, dropped, synthesis.stopped)
    return measure_pilot(sandbox, provider, material, options, written, made, progress), made.bundle


def measure_pilot(
    sandbox: Sandbox,
    provider: Provider,
    material: PilotMaterial,
    options: PilotOptions,
    written: Written,
    made: MadeVersion,
    progress: Progress = lambda *_: None,
) -> PilotResult:
    """Return what a version is worth, measured as it is served, beside its alternatives.

    Asks the LLM for the labels of a sample of the measured rows. Raises ConfigurationError where a baseline is asked
    for that cannot be had.
    """
    rows, ensemble, gold_direct = material.measured_rows, made.ensemble, made.gold_direct.labels
    truth = np.array([row.label for row in rows], dtype=np.int64)
    given, probabilities = _ensemble_labels(sandbox, material, ensemble, made.bundle, options.seed)
    before = provider.ledger.worth()
    chosen, direct = _ask_directly(provider, material, options, progress)
    after = provider.ledger.worth()
    labelings = _Labelings(material, truth, given)
    labelings.add(ENSEMBLE, given)
    labelings.add(MAJORITY, np.full(len(rows), labelings.default))
    labelings.add(DIRECT, direct.labels, chosen)
    if material.test and (gold_direct >= 0).any():
        labelings.add(DIRECT_CALIBRATED, _calibrated(material, made.gold_direct, direct), chosen)
    if options.baseline:
        progress("baseline", 0.0)
        labelings.add(BASELINE, _baseline_labels(material, options.seed))
    tokens_in, tokens_out = direct.tokens_per_record
    answered = gold_direct >= 0
    gold_truth = np.array([row.label for row in material.gold], dtype=np.int64)
    return PilotResult(
        material=material,
        options=options,
        written=written,
        ensemble=ensemble,
        truth=truth,
        labelings=labelings.found,
        probabilities=probabilities,
        votes=_candidate_votes(sandbox, material, ensemble),
        cost=PilotCost(
            spent=before,
            measuring=(after.tokens_in - before.tokens_in, after.tokens_out - before.tokens_out),
            tokens_in_per_record=tokens_in,
            tokens_out_per_record=tokens_out,
        ),
        model=provider.model,
        direct_gold_accuracy=float((gold_direct == gold_truth)[answered].mean()) if answered.any() else float("nan"),
        notes=[note for note in (_note("programs", written.stopped), _note("direct labels", made.stopped)) if note],
        unanswered=direct.unanswered,
    )


def _note(step: str, stopped: str) -> str:
    return f"{step} ended early: {stopped}" if stopped else ""


class _Labelings:
    """Collects ways of labeling the measured rows, each with its figures."""

    def __init__(self, material: PilotMaterial, truth: Labels, ensemble: Labels) -> None:
        gold = np.array([row.label for row in material.gold or material.test], dtype=np.int64)
        self.default = commonest_label(gold)
        self.found: dict[str, Labeling] = {}
        self._label_count = len(material.task.label_names)
        self._truth = truth
        self._ensemble = ensemble

    def add(self, name: str, given: Labels, rows: Labels | None = None) -> None:
        """Measure labels ``given`` to the measured rows with the indexes ``rows``, or to all."""
        rows = np.arange(len(self._truth)) if rows is None else rows
        if not len(rows):
            return
        truth = self._truth[rows]
        self.found[name] = Labeling(
            given,
            measure(truth, given, self._label_count, default=self.default),
            rows,
            None if name == ENSEMBLE else compare(truth, self._ensemble[rows], given),
        )


def _ensemble_labels(
    sandbox: Sandbox, material: PilotMaterial, ensemble: Ensemble, bundle: Bundle, seed: int
) -> tuple[Labels, Floats]:
    """Return labels and probabilities: of test rows as served, of gold rows out of fold."""
    if not material.test:
        labels = ensemble.unseen_labels(len(material.task.label_names), seed)
        return labels, np.full(len(labels), np.nan)
    packed = [pack(row.record, material.task.limits.record_bytes) for row in material.test]
    with closing(Labeler.open(sandbox, bundle)) as labeler:
        decisions = [labeled.decision for labeled in labeler.label(packed)]
    return (
        np.array([decision.label for decision in decisions], dtype=np.int64),
        np.array([decision.probability for decision in decisions], dtype=np.float64),
    )


def _candidate_votes(sandbox: Sandbox, material: PilotMaterial, ensemble: Ensemble) -> Votes:
    if not material.test:
        return ensemble.candidate_gold_votes
    return cast_votes(sandbox, material.task, ensemble.candidates, [row.record for row in material.test])


def _ask_directly(
    provider: Provider, material: PilotMaterial, options: PilotOptions, progress: Progress
) -> tuple[Labels, DirectLabels]:
    """Return which of the measured rows the LLM labeled, and its answers."""
    rows = material.measured_rows
    chosen = np.array(random_order(len(rows), options.seed)[: options.direct_sample], dtype=np.int64)
    examples = choose_examples(material.task, material.gold, options.direct_examples) if material.test else []
    records = [rows[index].record for index in chosen]
    step = "direct labels to compare with"
    try:
        answers = label_directly(
            provider, material.task, records, examples, progress=lambda done: progress(step, done / len(records))
        )
    except (AskFailed, BudgetExceeded) as error:
        # The version stands, it only cannot be compared; what was asked so far is in the ledger.
        nothing = label_directly(provider, material.task, [])
        return chosen[:0], replace(nothing, unanswered={error.reason: len(records)})
    return chosen, answers


def _calibrated(material: PilotMaterial, gold_direct: DirectLabels, direct: DirectLabels) -> Labels:
    """Return the LLM's answers as the gold rows calibrate them; -1 where there is none."""
    truth = np.array([row.label for row in material.gold], dtype=np.int64)
    found = fit_calibration(beliefs(gold_direct.labels, gold_direct.scores), truth, len(material.task.labels))
    said = beliefs(direct.labels, direct.scores)
    return np.where(is_told(said), found.scores(said).argmax(axis=1), ABSTAIN)


def _check_baseline(material: PilotMaterial) -> None:
    """Refuse before money is spent. Raises ConfigurationError."""
    require_scikit_learn()
    if not text_fields(material.task) or not material.gold:
        raise ConfigurationError("the TF-IDF baseline needs a text field and gold rows", advice="leave it out")


def _baseline_labels(material: PilotMaterial, seed: int) -> Labels:
    """Return what a text classifier that learned from the gold rows says of the measured rows."""
    texts = [record_words(material.task, row.record) for row in material.gold]
    labels = np.array([row.label for row in material.gold], dtype=np.int64)
    if not material.test:
        return unseen_tfidf_labels(texts, labels, seed=seed)
    return tfidf_labels(texts, labels, [record_words(material.task, row.record) for row in material.test])
