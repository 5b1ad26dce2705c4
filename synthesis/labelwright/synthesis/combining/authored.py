"""Which of a capable model's programs serve, and what their votes are worth.

Such programs are sound until rows show the opposite: a hundred rows cannot prove a gain, so none has to. Measured is by
rows that their author was not shown. Votes count alike until rows show that weights are better.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import numpy as np
from labelwright.synthesis.arrays import Floats, Labels, Mask, Votes
from labelwright.synthesis.statistics.folds import out_of_fold, stratified_folds
from labelwright.synthesis.statistics.label_models import Fit, decide, fit_weighted, posteriors

_FOLDS = 5
_FEWEST_VOTES = 5
"""Votes on measured rows below which nothing is said of a program."""
_SURE = 1.64
"""Standard errors from which on a difference counts as shown: one in twenty goes so far by chance."""
_ACCURACIES = np.linspace(0.35, 0.98, 64)
"""What a vote may be worth, as the accuracy that independent programs would have. Programs are not independent, so the
best value lies well below the share of their votes that is right."""
_UNMEASURED_ACCURACY = 0.6
_IMAGINED_VOTES = 20.0
"""Votes of the programs' common precision that each program's own is pulled by."""
_TEMPERS = np.linspace(0.1, 1.2, 23)

EVEN, SHRUNK, COUNTED = "even", "shrunk", "weighted"
"""Methods: all votes alike, each program by its own precision, each program's votes counted for each label."""
WORSE_THAN_CHANCE = "it is right less often than chance where it votes"
HURTS = "the others label better without it"


def unfit_programs(votes: Votes, truth: Labels, prior: Floats, kept: Collection[int] = ()) -> dict[int, str]:
    """Return the columns that should not serve, and why; ``votes`` are on rows that their author has not seen.

    The columns ``kept`` serve in any case.
    """
    unfit: dict[int, str] = {}
    for column, cast in enumerate(votes.T):
        voted = cast >= 0
        if (
            column not in kept
            and voted.sum() >= _FEWEST_VOTES
            and (cast == truth)[voted].mean() < prior[cast[voted]].mean()
        ):
            unfit[column] = WORSE_THAN_CHANCE
    while len(serving := [column for column in range(votes.shape[1]) if column not in unfit]) > 2 and len(truth):
        right = _right(votes[:, serving], truth, prior)
        gains: dict[int, float] = {}
        for column in (column for column in serving if column not in kept):
            others = [other for other in serving if other != column]
            gains[column] = _shown_gain(_right(votes[:, others], truth, prior) - right)
        worst = max(gains, key=lambda column: gains[column], default=None)
        if worst is None or gains[worst] <= 0:
            break
        unfit[worst] = HURTS
    return unfit


def helps(votes: Votes, serving: list[int], unit: tuple[int, ...], truth: Labels, prior: Floats) -> bool:
    """Whether the programs in the columns ``serving`` label these rows better with those in ``unit``."""
    if not len(truth):
        return False
    gain = _right(votes[:, [*serving, *unit]], truth, prior) - _right(votes[:, serving], truth, prior)
    return float(gain.mean()) > 0


def fit_authored(
    votes: Votes, truth: Labels, prior: Floats, *, seed: int, methods: Sequence[str] = (EVEN, SHRUNK)
) -> list[tuple[Fit, float]]:
    """Return the label models for these programs, the one to serve first, each with its accuracy on rows not fitted to.

    ``votes`` are on measured rows, of which there may be none. In the first of ``methods`` all votes count alike; the
    others weigh each program, and have to beat the first by more than chance.
    """
    if not len(truth):
        return [(even_fit(votes.shape[1], prior, _UNMEASURED_ACCURACY), float("nan"))]
    right = {
        method: (unseen_decisions(method, votes, truth, prior, seed=seed)[0] == truth).astype(np.float64)
        for method in methods
    }

    def rank(method: str) -> tuple[int, float]:
        if method == EVEN:
            return 1, 0.0
        is_better = _shown_gain(right[method] - right[EVEN]) > 0
        return 0 if is_better else 2, -float(right[method].mean())

    return [(_FITS[method](votes, truth, prior), float(right[method].mean())) for method in sorted(methods, key=rank)]


def unseen_decisions(method: str, votes: Votes, truth: Labels, prior: Floats, *, seed: int) -> tuple[Labels, Floats]:
    """Return the label of each row and its probability, by fits of the method that have not seen the row."""

    def answers(train: Mask, test: Mask) -> Floats:
        fit = _FITS[method](votes[train], truth[train], prior)
        return np.column_stack(decide(fit, votes[test], len(prior)))

    labels, probabilities = out_of_fold(stratified_folds(truth, _FOLDS, seed), answers).T
    return labels.astype(np.int64), probabilities


def even_fit(programs: int, prior: Floats, accuracy: float) -> Fit:
    """Return the model in which every vote is worth the same: majority vote with probabilities.

    ``accuracy`` says how much a vote is worth. The prior decides ties and no more.
    """
    worth = np.log(accuracy * (len(prior) - 1) / (1 - accuracy))
    spread = float(np.ptp(np.log(prior)))
    breaking_ties = prior ** min(1.0, 0.5 * worth / spread) if spread else prior
    table = _table(accuracy, len(prior))
    return Fit(EVEN, breaking_ties / breaking_ties.sum(), np.tile(table, (programs, 1, 1)))


def _fit_even(votes: Votes, truth: Labels, prior: Floats) -> Fit:
    fits = [even_fit(votes.shape[1], prior, float(value)) for value in _ACCURACIES if value > 1.05 / len(prior)]
    return min(fits, key=lambda fit: _log_loss(fit, votes, truth))


def _fit_shrunk(votes: Votes, truth: Labels, prior: Floats) -> Fit:
    right = [int(((cast == truth) & (cast >= 0)).sum()) for cast in votes.T]
    voted = [int((cast >= 0).sum()) for cast in votes.T]
    common = (sum(right) + 1) / (sum(voted) + 2)
    precisions = [
        (hits + _IMAGINED_VOTES * common) / (count + _IMAGINED_VOTES) for hits, count in zip(right, voted, strict=True)
    ]
    tables = np.stack([_table(precision, len(prior)) for precision in precisions])
    fits = [Fit(SHRUNK, prior, tables**temper) for temper in _TEMPERS]
    return min(fits, key=lambda fit: _log_loss(fit, votes, truth))


def _fit_counted(votes: Votes, truth: Labels, prior: Floats) -> Fit:
    return fit_weighted(votes, truth, len(prior))


_FITS: dict[str, Callable[[Votes, Labels, Floats], Fit]] = {
    EVEN: _fit_even,
    SHRUNK: _fit_shrunk,
    COUNTED: _fit_counted,
}


def _table(accuracy: float, label_count: int) -> Floats:
    """Return P(vote | label), votes x labels, of a program that is right so often and otherwise wrong evenly."""
    accuracy = float(np.clip(accuracy, 0.02, 0.98))
    table = np.full((label_count, label_count), (1 - accuracy) / (label_count - 1))
    np.fill_diagonal(table, accuracy)
    return table


def _log_loss(fit: Fit, votes: Votes, truth: Labels) -> float:
    return -float(np.log(posteriors(fit, votes)[np.arange(len(truth)), truth]).mean())


def _right(votes: Votes, truth: Labels, prior: Floats) -> Floats:
    """Return for each row whether majority vote is right, 1 or 0."""
    labels, _ = decide(even_fit(votes.shape[1], prior, _UNMEASURED_ACCURACY), votes, len(prior))
    return np.asarray(labels == truth, dtype=np.float64)


def _shown_gain(differences: Floats) -> float:
    """Return the part of a mean difference that chance does not explain, at or below 0 where it explains all."""
    return float(differences.mean() - _SURE * differences.std() / np.sqrt(len(differences)))
