"""A bundle's label model fitted again, after people changed, added or removed programs.

It is measured and fitted by what its programs have not seen: gold rows that stood in no prompt, what was learned by
votes of fits that had not seen the row, and the records that a capable model labeled when it wrote the programs.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from labelwright.core.bundle import PROVENANCE_FILE, Bundle, program_digests
from labelwright.core.errors import ConfigurationError
from labelwright.core.label_model import (
    LABEL_MODEL_FILE,
    LabelModel,
    MajorityVote,
    ProgramChanges,
    earlier_fit,
    parse_label_model,
)
from labelwright.core.origin import Origin, origins, read_provenance
from labelwright.core.row import Row, parse_rows
from labelwright.core.vote import ABSTAIN
from labelwright.sandbox import Sandbox
from labelwright.synthesis.arrays import HIDDEN, Floats, Labels, Votes
from labelwright.synthesis.combining.authored import COUNTED, EVEN, SHRUNK, fit_authored, unseen_decisions
from labelwright.synthesis.combining.provenance import JUDGED, PLAN
from labelwright.synthesis.combining.selection import MOST_LIKELIHOODS
from labelwright.synthesis.combining.written import gold_keys
from labelwright.synthesis.rows import Rows, labels_of, records_of
from labelwright.synthesis.statistics.chance import Interval, wilson
from labelwright.synthesis.statistics.label_models import decide_by
from labelwright.synthesis.writing.voting import cast_votes

_SEED = 0
"""Of the folds."""


@dataclass(frozen=True, slots=True)
class FitFigures:
    """What a label model does on the measured rows; shares are 0 to 1.

    ``accuracy`` counts an abstention as wrong, ``interval`` is its 95% interval. Of the rows with a label,
    ``labeled_accuracy`` is the share that is right and ``mean_probability`` the share that was promised.
    """

    accuracy: float
    interval: Interval
    coverage: float
    labeled_accuracy: float | None
    mean_probability: float | None


@dataclass(frozen=True, slots=True)
class Refit:
    """A label model, what it was fitted to, and what it does; ``text`` is that of ``label_model.json``.

    ``changes`` are those since the fit before, None where there was none. ``shown_rows`` gold rows were left out, as
    they stood in prompts. ``before`` is None where the file before does not fit the programs any more.
    """

    text: str
    method: str
    changes: ProgramChanges | None
    gold_rows: int
    shown_rows: int
    judged_rows: int
    commonest: float
    before: FitFigures | None
    after: FitFigures

    @property
    def is_no_better(self) -> bool:
        """Whether the version is right no more often than always giving the commonest label."""
        return self.after.accuracy <= self.commonest


def fit_again(sandbox: Sandbox, bundle: Bundle, gold: Sequence[Row], present: str | None) -> Refit:
    """Return the label model for the bundle's programs as they are; ``present`` is the text of the one it has.

    Raises ConfigurationError where there is too little to fit by, InvalidBundle where a program does not load.
    """
    task, digests = bundle.task, program_digests(bundle.programs)
    if len(digests) * len(task.labels) ** 2 > MOST_LIKELIHOODS:
        raise ConfigurationError(
            f"weights of {len(digests)} programs for {len(task.labels)} labels are more than a bundle can hold",
            advice=f"leave {LABEL_MODEL_FILE} out: the majority decides then",
        )
    measured = _measured(sandbox, bundle, Rows(task, (), gold))
    prior = (np.bincount(labels_of(gold), minlength=len(task.labels)) + 1.0) / (len(gold) + len(task.labels))
    # A capable model's programs are sound and its rows few, so two forms are enough. Others may be of all kinds.
    methods = (EVEN, SHRUNK) if _is_authored(bundle) else (EVEN, SHRUNK, COUNTED)
    fit, _ = fit_authored(measured.votes, measured.truth, prior, seed=_SEED, methods=methods)[0]
    labels, probabilities = unseen_decisions(fit.method, measured.votes, measured.truth, prior, seed=_SEED)
    earlier = earlier_fit(present, digests) if present is not None else None
    least = earlier.min_probability if earlier else 0.0
    return Refit(
        text=fit.dump(task.label_names, digests, least),
        method=fit.method,
        changes=earlier.changes if earlier else None,
        gold_rows=measured.gold,
        shown_rows=len(gold) - measured.gold,
        judged_rows=len(measured.truth) - measured.gold,
        commonest=float(np.bincount(measured.truth).max() / len(measured.truth)),
        before=_before(bundle, measured, present),
        after=_figures(measured.truth, np.where(probabilities >= least, labels, ABSTAIN), probabilities),
    )


@dataclass(frozen=True, slots=True)
class _Measured:
    """Rows by which programs are measured; the first ``gold`` of them are gold rows."""

    votes: Votes
    truth: Labels
    gold: int


def _measured(sandbox: Sandbox, bundle: Bundle, rows: Rows) -> _Measured:
    if not rows.gold_teaches:
        what = (
            "has no gold rows" if not rows.gold else "has gold rows of one label alone, which say nothing of the others"
        )
        raise ConfigurationError(
            f"the bundle {what}: nothing tells what its programs' votes are worth",
            advice="add rows with their right label as gold.jsonl, a few of each label, or name a file with --gold",
        )
    known = origins(bundle)
    votes = _gold_votes(sandbox, bundle, rows, known)
    # A small model's programs were each shown other rows, and none at all would be left.
    visible = (votes != HIDDEN).all(axis=1) if _is_authored(bundle) else (votes != HIDDEN).any(axis=1)
    votes, truth = votes[visible], rows.gold_labels[visible]
    judged = judged_rows(bundle)
    judged_votes = cast_votes(sandbox, bundle.task, bundle.programs, records_of(judged))
    # What was learned may have learned from these very labels.
    learned = [name in known and not known[name].by for name in bundle.program_names]
    judged_votes[:, learned] = ABSTAIN
    measured = _Measured(
        np.vstack([votes, judged_votes]), np.concatenate([truth, labels_of(judged)]), int(visible.sum())
    )
    if len(set(measured.truth.tolist())) < 2:
        raise ConfigurationError(
            f"{measured.gold} of {len(rows.gold)} gold rows stood in no prompt of the programs, too few to fit by",
            advice="rows that were shown prove nothing: add others, a few of each label, or name a file with --gold",
        )
    return measured


def _gold_votes(sandbox: Sandbox, bundle: Bundle, rows: Rows, known: dict[str, Origin]) -> Votes:
    """Return gold rows x programs: ``HIDDEN`` where a model was shown the row, unseen votes of what was learned."""
    votes = cast_votes(sandbox, bundle.task, bundle.programs, rows.gold_records)
    keys = gold_keys(rows)
    for column, program in enumerate(bundle.programs):
        origin = known.get(program.name)
        for row, key in enumerate(keys):
            if origin is None or key not in origin.seen_gold:
                continue
            if origin.by:
                votes[row, column] = HIDDEN
            else:
                unseen = origin.unseen_votes[key] if origin.digest == program.digest else None
                votes[row, column] = rows.task.label_names.index(unseen) if unseen in rows.task.labels else ABSTAIN
    return votes


def _is_authored(bundle: Bundle) -> bool:
    """Whether a capable model wrote the bundle's programs, in one conversation."""
    return PLAN in read_provenance(bundle)


def judged_rows(bundle: Bundle) -> list[Row]:
    """Return the records that the model labeled when it wrote the programs, those that fit the task."""
    judged = read_provenance(bundle).get(JUDGED)
    lines = "\n".join(map(json.dumps, judged)) if isinstance(judged, list) else ""
    return parse_rows(bundle.task, lines, PROVENANCE_FILE, labeled=True)[0]


def _before(bundle: Bundle, measured: _Measured, present: str | None) -> FitFigures | None:
    model: LabelModel | None = MajorityVote()
    if present is not None:
        model, _ = parse_label_model(present, bundle.task.label_names, program_digests(bundle.programs))
    return _figures(measured.truth, *decide_by(model, measured.votes)) if model else None


def _figures(truth: Labels, labels: Labels, probabilities: Floats) -> FitFigures:
    labeled, right = labels >= 0, labels == truth
    return FitFigures(
        float(right.mean()),
        wilson(int(right.sum()), len(truth)),
        float(labeled.mean()),
        float(right[labeled].mean()) if labeled.any() else None,
        float(probabilities[labeled].mean()) if labeled.any() else None,
    )
