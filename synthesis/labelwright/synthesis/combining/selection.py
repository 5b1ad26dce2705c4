"""Which programs serve, and under which label model: chosen by what the ensemble gains, on gold where there is some.

With gold rows: programs are added one at a time, each time the one that raises the mean log-probability of the right
label most, out of fold; then the label model with the best out-of-fold accuracy is taken. Without gold rows all
programs stay, and the label model that agrees most with the others is taken. A label model that gives nearly everything
one label is never taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from labelwright.synthesis.arrays import HIDDEN, Floats, Labels, Mask, Votes
from labelwright.synthesis.statistics.folds import out_of_fold, stratified_folds
from labelwright.synthesis.statistics.label_models import (
    Fit,
    decide,
    fit_dawid_skene,
    fit_majority,
    fit_triplet,
    fit_weighted,
    softmax,
)

_FOLDS = 5
_LEAST_GAIN = 0.002
"""Mean log-probability, in nats a row, that a program has to add at least, and more than its standard error. A copy
adds a little by chance, and each program is one more to run and to read.
"""
_COLLAPSE = 0.25
"""Share of their due that the rarer labels must keep together: a stronger lean is a failed fit, whatever it scores."""
MOST_LIKELIHOODS = 200_000
"""Programs times labels squared: beyond it label_model.json would not fit into a bundle, so majority vote it is."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A label model that was tried. ``score`` is gold accuracy out of fold, or agreement without gold."""

    fit: Fit
    score: float
    collapsed: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """The label model that serves, and all that were tried, the chosen one first."""

    fit: Fit
    candidates: tuple[Candidate, ...]


def choose_programs(
    votes: Votes,
    gold: Labels,
    label_count: int,
    *,
    seed: int,
    units: Sequence[tuple[int, ...]] | None = None,
    kept: Sequence[int] = (),
) -> list[tuple[int, float]]:
    """Return the columns of the programs to add to those ``kept`` and what each added, in the order of their choice.

    ``votes`` are those on the gold rows; what a program adds is judged by the rows that are not ``HIDDEN`` from it.
    ``units`` are columns that come and go together; by default each alone. Empty where no program adds anything.
    """
    terms = _unseen_terms(votes, gold, label_count, seed)
    has_vote = votes >= 0
    visible = votes != HIDDEN

    def value(columns: list[int]) -> Floats:
        scores = terms[-1] + terms[columns].sum(axis=0)
        return _log_probability(scores, gold, np.asarray(has_vote[:, columns].any(axis=1)))

    choices: list[tuple[int, float]] = []
    candidates = [
        unit for unit in units or [(column,) for column in range(votes.shape[1])] if not set(unit) & set(kept)
    ]
    while candidates:
        columns = [*kept, *(column for column, _ in choices)]
        before = value(columns)
        differences = [(value([*columns, *unit]) - before)[visible[:, unit].all(axis=1)] for unit in candidates]
        best = int(np.argmax([difference.mean() if len(difference) else -np.inf for difference in differences]))
        if not len(differences[best]):
            break
        gain = float(differences[best].mean())
        if gain < max(_LEAST_GAIN, _standard_error(differences[best])):
            break
        choices += [(column, gain) for column in candidates.pop(best)]
    return choices


def choose_label_model(
    gold_votes: Votes, gold: Labels, unlabeled_votes: Votes, label_count: int, *, seed: int
) -> Choice:
    """Return the label model with the best accuracy on gold rows, an abstention counting as wrong.

    What learns from gold is judged out of fold. At a tie the earlier of weighted, Dawid-Skene, triplet, majority.
    """
    if gold_votes.shape[1] * label_count**2 > MOST_LIKELIHOODS:
        return _majority_alone()
    counts = np.bincount(gold, minlength=label_count)
    prior = (counts + 1) / (counts.sum() + label_count)
    weighted = fit_weighted(gold_votes, gold, label_count)
    candidates = [(weighted, unseen_decisions(gold_votes, gold, label_count, seed=seed))]
    candidates += [
        (fit, decide(fit, gold_votes, label_count)[0])
        for fit in _without_gold(np.vstack([unlabeled_votes, gold_votes]), label_count, prior)
    ]
    reference = float(counts.max() / counts.sum())
    return _best(
        [
            Candidate(fit, float((labels == gold).mean()), is_collapsed(fit, unlabeled_votes, label_count, reference))
            for fit, labels in candidates
        ]
    )


def choose_label_model_by_agreement(votes: Votes, label_count: int) -> Choice:
    """Return the label model whose labels agree most with those of the others. For tasks without gold rows."""
    if votes.shape[1] * label_count**2 > MOST_LIKELIHOODS:
        return _majority_alone()
    fits = list(_without_gold(votes, label_count, None))
    labelings = [decide(fit, votes, label_count)[0] for fit in fits]
    majority = labelings[-1][labelings[-1] >= 0]
    reference = float(np.bincount(majority).max() / len(majority)) if len(majority) else 1.0
    return _best(
        [
            Candidate(
                fit,
                float(np.mean([(labels == other).mean() for other in labelings if other is not labels])),
                is_collapsed(fit, votes, label_count, reference),
            )
            for fit, labels in zip(fits, labelings, strict=True)
        ]
    )


def unseen_decisions(votes: Votes, gold: Labels, label_count: int, *, seed: int) -> Labels:
    """Return the weighted model's label of each gold row, fitted on the other folds."""
    return out_of_fold(
        stratified_folds(gold, _FOLDS, seed),
        lambda train, test: decide(fit_weighted(votes[train], gold[train], label_count), votes[test], label_count)[0],
    )


def is_collapsed(fit: Fit, votes: Votes, label_count: int, reference: float) -> bool:
    """Whether nearly everything becomes one label.

    ``reference`` is the share that the commonest label should have. The other labels together must keep a quarter of
    the share that this leaves them.
    """
    labels = decide(fit, votes, label_count)[0]
    labels = labels[labels >= 0]
    if not len(labels):
        return False
    return float(np.bincount(labels).max() / len(labels)) > 1 - _COLLAPSE * (1 - reference)


def _without_gold(votes: Votes, label_count: int, prior: Floats | None) -> Sequence[Fit]:
    return (
        fit_dawid_skene(votes, label_count, prior=prior),
        fit_triplet(votes, label_count, prior=prior),
        fit_majority(),
    )


def _majority_alone() -> Choice:
    fit = fit_majority()
    return Choice(fit, (Candidate(fit, 0.0, collapsed=False),))


def _best(candidates: list[Candidate]) -> Choice:
    ranked = sorted(candidates, key=lambda item: (item.collapsed, -item.score))
    return Choice(ranked[0].fit, tuple(ranked))


def _unseen_terms(votes: Votes, gold: Labels, label_count: int, seed: int) -> Floats:
    """Return programs + 1 x rows x labels: each program's term of the score, out of fold; the prior's term last.

    Naive Bayes adds programs up, so no set of programs has to be fitted anew.
    """

    def score(train: Mask, test: Mask) -> Floats:
        fit = fit_weighted(votes[train], gold[train], label_count)
        assert fit.prior is not None
        assert fit.likelihood is not None
        terms = np.zeros((int(test.sum()), votes.shape[1] + 1, label_count))
        terms[:, -1] = np.log(fit.prior)
        for program, column in enumerate(votes[test].T):
            terms[column >= 0, program] = np.log(fit.likelihood[program][column[column >= 0]])
        return terms

    by_row = out_of_fold(stratified_folds(gold, _FOLDS, seed), score)
    return np.ascontiguousarray(by_row.transpose(1, 0, 2))


def _log_probability(scores: Floats, gold: Labels, has_vote: Mask) -> Floats:
    """Return the log-probability of each row's right label. A row without any vote counts as a guess."""
    logs = np.log(softmax(scores)[np.arange(len(gold)), gold])
    return np.where(has_vote, logs, -np.log(scores.shape[1]))


def _standard_error(values: Floats) -> float:
    return float(values.std() / np.sqrt(len(values)))
