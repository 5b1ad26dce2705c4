"""What a student learns from, and what is known of a record beside its words."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from labelwright.synthesis.arrays import Floats, Labels, Mask, Votes
from labelwright.synthesis.learning.calibration import answered, fit_calibration, trust
from labelwright.synthesis.statistics.label_models import fit_weighted


class ExtraEvidence(enum.Enum):
    """What is used of the unlabeled records beside their words."""

    NONE = "none"
    DIRECT = "direct labels"
    ALL = "direct labels and votes"


@dataclass(frozen=True, slots=True)
class StudentRows:
    """What a student learns from.

    Beliefs are the LLM's, as ``DirectLabels`` has them; votes are negative where there are none. Without gold rows of
    people, rows that an LLM labeled may stand in their place.
    """

    gold_texts: Sequence[str]
    gold_labels: Labels
    unlabeled_texts: Sequence[str]
    gold_beliefs: Floats
    unlabeled_beliefs: Floats
    gold_votes: Votes
    unlabeled_votes: Votes


@dataclass
class RecordEvidence:
    """What direct labels and votes say of the unlabeled records, as far as gold rows bear it out."""

    rows: StudentRows
    label_count: int
    _sums: dict[tuple[ExtraEvidence, bytes], Floats] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._answered = answered(self.rows.unlabeled_beliefs)
        self._trust = trust(self.rows.gold_beliefs, self.rows.gold_labels, self.label_count)

    def evidence(self, extra: ExtraEvidence, train: Mask) -> Floats:
        """Return log P(what is known | label) of each unlabeled record, as measured on the gold rows in ``train``."""
        key = (extra, train.tobytes())
        if key not in self._sums:
            self._sums[key] = self._sum(extra, train)
        return self._sums[key]

    def weights(self, extra: ExtraEvidence, unlabeled_weight: float) -> Floats:
        """Return how much of a gold row each unlabeled record counts: more where the LLM labeled it and is good."""
        weights = np.full(len(self._answered), unlabeled_weight)
        if extra is not ExtraEvidence.NONE:
            weights[self._answered] = max(unlabeled_weight, self._trust)
        return weights

    def _sum(self, extra: ExtraEvidence, train: Mask) -> Floats:
        rows, gold = self.rows, self.rows.gold_labels[train]
        sums = np.zeros((len(self._answered), self.label_count))
        if extra is not ExtraEvidence.NONE and self._answered.any():
            calibration = fit_calibration(rows.gold_beliefs[train], gold, self.label_count)
            sums += calibration.evidence(rows.unlabeled_beliefs)
        if extra is ExtraEvidence.ALL:
            likelihood = fit_weighted(rows.gold_votes[train], gold, self.label_count).likelihood
            assert likelihood is not None
            for column, table in zip(rows.unlabeled_votes.T, np.log(likelihood), strict=True):
                sums[column >= 0] += table[column[column >= 0]]
        return sums
