"""What a student learns from, and what is known of a record beside its words."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from labelwright.synthesis.learning.calibration import fit_calibration, is_told, trust
from labelwright.synthesis.statistics.folds import Mask
from labelwright.synthesis.statistics.label_models import Floats, Labels, Votes, fit_weighted


class Evidence(enum.Enum):
    """What beside their words is used of the unlabeled records."""

    NONE = "none"
    DIRECT = "direct labels"
    ALL = "direct labels and votes"


@dataclass(frozen=True, slots=True)
class Material:
    """What a student learns from.

    Direct labels are log-probabilities, rows x labels, with NaN where the LLM said nothing; votes are negative where
    there are none. Without gold rows of people, rows that an LLM labeled may stand in their place.
    """

    gold_texts: Sequence[str]
    gold_labels: Labels
    unlabeled_texts: Sequence[str]
    gold_direct: Floats
    unlabeled_direct: Floats
    gold_votes: Votes
    unlabeled_votes: Votes


@dataclass
class Known:
    """What direct labels and votes say of the unlabeled records, as far as gold rows bear it out."""

    material: Material
    label_count: int
    _evidence: dict[tuple[Evidence, bytes], Floats] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._told = is_told(self.material.unlabeled_direct)
        self._trust = trust(self.material.gold_direct, self.material.gold_labels, self.label_count)

    def evidence(self, used: Evidence, kept: Mask) -> Floats:
        """Return log P(what is known | label) of each unlabeled record, as measured on the gold rows in ``kept``."""
        key = (used, kept.tobytes())
        if key not in self._evidence:
            self._evidence[key] = self._sum(used, kept)
        return self._evidence[key]

    def weights(self, used: Evidence, unlabeled_weight: float) -> Floats:
        """Return how much of a gold row each unlabeled record counts: more where the LLM labeled it and is good."""
        weights = np.full(len(self._told), unlabeled_weight)
        if used is not Evidence.NONE:
            weights[self._told] = max(unlabeled_weight, self._trust)
        return weights

    def _sum(self, used: Evidence, kept: Mask) -> Floats:
        material, gold = self.material, self.material.gold_labels[kept]
        sums = np.zeros((len(self._told), self.label_count))
        if used is not Evidence.NONE and self._told.any():
            calibration = fit_calibration(material.gold_direct[kept], gold, self.label_count)
            sums += calibration.evidence(material.unlabeled_direct)
        if used is Evidence.ALL:
            likelihood = fit_weighted(material.gold_votes[kept], gold, self.label_count).likelihood
            assert likelihood is not None
            for column, table in zip(material.unlabeled_votes.T, np.log(likelihood), strict=True):
                sums[column >= 0] += table[column[column >= 0]]
        return sums
