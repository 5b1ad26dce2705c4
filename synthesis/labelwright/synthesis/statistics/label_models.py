"""Label models, fitted: from the programs' votes on many records to what each program's vote is worth.

Every method ends in the naive-Bayes form that ``labelwright.core.label_model`` evaluates,
``likelihood[program][vote][label]``, and decisions are made there and nowhere else: the figures that are measured here
are those of what is served.

Votes are an integer array, records x programs; ``ABSTAIN`` and errors are missing votes. Labels are indexes into the
task's labels.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from labelwright.core.errors import ConfigurationError
from labelwright.core.label_model import LabelModel, dump_weighted, parse_label_model
from labelwright.synthesis.arrays import HIDDEN, Floats, Labels, Votes

_TINY = 1e-6
"""Likelihoods stay this far above zero, so that no single vote can rule a label out."""
_IMAGINED_ROWS = 32.0
"""Of each label. Fewer trust the direction of a handful of errors, more smooth away what 100 gold rows do show."""
_MOST_TRIPLET_PARTNERS = 30
"""Partners whose pairs are looked at: 435 pairs at most. The time grows with their square, the median settles early."""
_WEAKEST, _STRONGEST = 0.02, 0.98
"""Bounds of a program's strength by triplets: one is never taken to be no better than guessing, or never wrong."""
_UNKNOWN_STRENGTH = 0.5
"""Of a program that has no two partners: halfway between guessing and never wrong."""


@dataclass(frozen=True, slots=True)
class Fit:
    """A fitted label model.

    ``prior`` has one probability a label; ``likelihood`` is programs x votes x labels. Majority vote has neither.
    """

    method: str
    prior: Floats | None = None
    likelihood: Floats | None = None

    def dump(self, labels: Sequence[str], programs: Mapping[str, str], min_probability: float = 0.0) -> str:
        """Return the text of ``label_model.json``; ``programs`` has digests by name, in the order of their votes."""
        if self.prior is None or self.likelihood is None:
            return json.dumps({"kind": "majority"}, indent=2)
        return dump_weighted(
            labels,
            programs,
            self.prior.tolist(),
            self.likelihood.tolist(),
            method=self.method,
            min_probability=min_probability,
        )

    def model(self, label_count: int) -> LabelModel:
        """Return the model as a label server would have it: written out and read back."""
        programs = {str(index): "" for index in range(0 if self.likelihood is None else len(self.likelihood))}
        labels = [str(index) for index in range(label_count)]
        model, findings = parse_label_model(self.dump(labels, programs), labels, programs)
        if model is None:  # a method that leaves the range of probabilities is a bug here, not the caller's
            raise AssertionError(findings)
        return model


def decide(fit: Fit, votes: Votes, label_count: int) -> tuple[Labels, Floats]:
    """Return the label and its probability for each record, as the served version gives them."""
    return decide_by(fit.model(label_count), votes)


def decide_by(model: LabelModel, votes: Votes) -> tuple[Labels, Floats]:
    """Return the label and its probability that the model gives each record."""
    decisions = [model.decide(tuple(row)) for row in votes.tolist()]
    labels = np.array([decision.label for decision in decisions], dtype=np.int64)
    return labels, np.array([decision.probability for decision in decisions], dtype=np.float64)


def posteriors(fit: Fit, votes: Votes) -> Floats:
    """Return P(label | votes), records x labels, for a model of the naive-Bayes form. No votes give the prior."""
    if fit.prior is None or fit.likelihood is None:
        raise ConfigurationError("majority vote has no posteriors", advice="fit a weighted model")
    scores = np.tile(np.log(fit.prior), (len(votes), 1))
    for column, table in zip(votes.T, np.log(fit.likelihood), strict=True):
        scores[column >= 0] += table[column[column >= 0]]
    return softmax(scores)


def softmax(scores: Floats) -> Floats:
    """Return ``scores``, rows of log-probabilities up to a constant, as rows of probabilities."""
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True), dtype=np.float64)


def fit_majority() -> Fit:
    """Return majority vote: nothing to fit. A tie abstains."""
    return Fit("majority")


def fit_weighted(votes: Votes, gold: Labels, label_count: int, *, strength: float = _IMAGINED_ROWS) -> Fit:
    """Weigh each vote by its log-odds on gold rows.

    ``likelihood`` is the share of *all* rows of a label on which the program votes so, abstentions counted in: a
    program that only ever gives one label still tells that label from the others. ``strength`` is how many imagined
    rows of each label pull it towards a program of the same coverage and accuracy whose errors know no direction:
    few gold rows say how often a program is wrong, but hardly how. A program is not judged by the rows that are
    ``HIDDEN`` from it.
    """
    truth = np.eye(label_count)[gold]
    likelihood = np.empty((votes.shape[1], label_count, label_count))
    for program, column in enumerate(votes.T):
        visible = column != HIDDEN
        rows = truth[visible].sum(axis=0)
        counts = _one_hot(column[visible], label_count).T @ truth[visible]
        likelihood[program] = (counts + strength * _undirected(counts, int(visible.sum()))) / (rows + strength)
    return Fit("weighted", _prior(truth.sum(axis=0)), np.clip(likelihood, _TINY, 1.0))


def _undirected(counts: Floats, rows: int) -> Floats:
    """Return P(vote | label), votes x labels, of a program with the coverage and accuracy in ``counts``, no more."""
    label_count = len(counts)
    vote_counts = counts.sum(axis=1) + 1 / label_count
    coverage = vote_counts.sum() / (rows + 2)
    accuracy = (np.trace(counts) + 1) / (counts.sum() + label_count)
    wrong = np.tile(vote_counts[:, None], (1, label_count))
    np.fill_diagonal(wrong, 0.0)
    return np.asarray(coverage * (accuracy * np.eye(label_count) + (1 - accuracy) * wrong / wrong.sum(axis=0)))


def fit_dawid_skene(
    votes: Votes,
    label_count: int,
    *,
    prior: Floats | None = None,
    smoothing: float = 0.01,
    rounds: int = 100,
    tolerance: float = 1e-6,
) -> Fit:
    """Dawid and Skene (1979): each program's confusion matrix and the records' labels, in turn, by EM.

    Starts at the shares of the votes. ``smoothing`` is added to every count. A ``prior`` is kept as it is.
    """
    voted_rows = votes[(votes >= 0).any(axis=1)]
    if not len(voted_rows):
        return Fit("dawid_skene", _uniform(label_count), np.full((votes.shape[1], label_count, label_count), 0.5))
    one_hot = [_one_hot(column, label_count) for column in voted_rows.T]
    belief = np.sum(one_hot, axis=0)
    belief = belief / belief.sum(axis=1, keepdims=True)
    for _ in range(rounds):
        balance = belief.mean(axis=0) if prior is None else prior
        likelihood = np.stack([_columns_to_one(one.T @ belief + smoothing) for one in one_hot])
        fit = Fit("dawid_skene", np.clip(balance, _TINY, 1.0), np.clip(likelihood, _TINY, 1.0))
        before, belief = belief, posteriors(fit, voted_rows)
        if np.abs(belief - before).max() < tolerance:
            break
    return fit


def fit_triplet(votes: Votes, label_count: int, *, prior: Floats | None = None) -> Fit:
    """Accuracies from three-way agreement, in closed form (Fu et al. 2020, "Fast and Three-rious").

    Each program is right with one probability and wrong evenly over the other labels. Then, with b the accuracy
    rescaled so that guessing is 0, two programs' rescaled agreement is the product of their b, and any two partners
    give a program's b; the median over partners is taken. For two labels this is the paper's estimator. Programs are
    taken to be better than guessing.
    """
    agreement = _rescaled_agreement(votes, label_count)
    programs = votes.shape[1]
    likelihood = np.empty((programs, label_count, label_count))
    for program in range(programs):
        accuracy = (1 + (label_count - 1) * _median_strength(agreement, program)) / label_count
        likelihood[program] = (1 - accuracy) / (label_count - 1)
        np.fill_diagonal(likelihood[program], accuracy)
    balance = _vote_shares(votes, label_count) if prior is None else prior
    return Fit("triplet", np.clip(balance, _TINY, 1.0), np.clip(likelihood, _TINY, 1.0))


def _rescaled_agreement(votes: Votes, label_count: int) -> Floats:
    """Programs x programs: (labels * agreement - 1) / (labels - 1) where both voted; NaN where they never did."""
    programs = votes.shape[1]
    agreement = np.full((programs, programs), np.nan)
    for one, other in itertools.combinations(range(programs), 2):
        both = (votes[:, one] >= 0) & (votes[:, other] >= 0)
        if both.any():
            share = (votes[both, one] == votes[both, other]).mean()
            agreement[one, other] = agreement[other, one] = (label_count * share - 1) / (label_count - 1)
    return agreement


def _median_strength(agreement: Floats, program: int) -> float:
    partners = [other for other in range(len(agreement)) if other != program and agreement[program, other] > 0]
    strengths = [
        np.sqrt(agreement[program, one] * agreement[program, other] / agreement[one, other])
        for one, other in itertools.combinations(partners[:_MOST_TRIPLET_PARTNERS], 2)
        if agreement[one, other] > 0
    ]
    return float(np.clip(np.median(strengths), _WEAKEST, _STRONGEST)) if strengths else _UNKNOWN_STRENGTH


def _one_hot(column: Labels, label_count: int) -> Floats:
    one_hot = np.zeros((len(column), label_count))
    one_hot[column >= 0, column[column >= 0]] = 1.0
    return one_hot


def _columns_to_one(counts: Floats) -> Floats:
    total = counts.sum(axis=0, keepdims=True)
    shares: Floats = np.divide(counts, total, out=np.full_like(counts, 1 / len(counts)), where=total > 0)
    return shares


def _prior(rows: Floats) -> Floats:
    return np.asarray((rows + 1) / (rows.sum() + len(rows)), dtype=np.float64)


def _uniform(label_count: int) -> Floats:
    return np.full(label_count, 1 / label_count)


def _vote_shares(votes: Votes, label_count: int) -> Floats:
    return _prior(np.bincount(votes[votes >= 0], minlength=label_count).astype(np.float64))
