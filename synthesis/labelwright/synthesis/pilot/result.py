"""What a pilot works on and what it finds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from labelwright.core.row import Row
from labelwright.synthesis.arrays import Floats, Labels, Votes
from labelwright.synthesis.combining.ensemble import Ensemble
from labelwright.synthesis.llm.ledger import Total
from labelwright.synthesis.rows import Rows
from labelwright.synthesis.statistics.evaluation import PairedComparison, Quality

ENSEMBLE, MAJORITY, DIRECT, BASELINE = "ensemble", "majority", "direct", "baseline"
DIRECT_CALIBRATED = "direct_calibrated"
"""The same answers of the LLM, its lean undone by the gold rows that it labeled too."""
WAYS = {
    ENSEMBLE: "programs",
    DIRECT: "direct labeling",
    DIRECT_CALIBRATED: "direct, calibrated",
    BASELINE: "TF-IDF + regression",
    MAJORITY: "commonest label",
}
"""The ways of labeling that are compared, by the report's keys, as people read them."""


@dataclass(frozen=True, slots=True)
class PilotOptions:
    """``direct_labels`` unlabeled records are labeled by the LLM itself, to learn from; ``direct_sample`` rows to
    compare with. ``direct_examples`` gold rows are shown to it each time.
    """

    direct_labels: int = 300
    direct_sample: int = 100
    direct_examples: int = 0
    baseline: bool = False
    with_student: bool = True
    seed: int = 0


@dataclass(frozen=True, slots=True)
class PilotRows(Rows):
    """Rows with ``test`` rows to measure on, which nothing else reads; without them gold is measured on."""

    test: Sequence[Row] = ()

    @property
    def measured(self) -> Sequence[Row]:
        """The rows that quality is measured on."""
        return self.test or self.gold


@dataclass(frozen=True, slots=True)
class WrittenPrograms:
    """What the LLM wrote: how many programs are fit, and why the others are not."""

    asked: int
    kept: int
    dropped: Sequence[tuple[str, str]] = ()
    """Name and reason."""
    stopped: str = ""
    """Why fewer were asked for than wanted."""


@dataclass(frozen=True, slots=True)
class MeasuredLabeling:
    """One way of labeling the measured rows. ``rows`` are their indexes: a sample where each answer costs money."""

    labels: Labels
    quality: Quality
    rows: Labels
    against_ensemble: PairedComparison | None = None
    """Accuracy of the ensemble minus this one's, on the same rows."""


@dataclass(frozen=True, slots=True)
class PilotCost:
    """``spent`` is what the version took; ``measuring`` what the comparison took besides. Tokens a record, in and out,
    are measured on direct labels; NaN where none was answered.
    """

    spent: Total
    measuring: tuple[int, int]
    tokens_in_per_record: float
    tokens_out_per_record: float


@dataclass(frozen=True, slots=True)
class PilotResult:
    """Everything that the report says."""

    rows: PilotRows
    options: PilotOptions
    written: WrittenPrograms
    ensemble: Ensemble
    measured: Sequence[Row]
    """The rows on which all ways of labeling are compared: where there is a choice, none that a program was shown."""
    truth: Labels
    labelings: Mapping[str, MeasuredLabeling]
    probabilities: Floats
    """Of the ensemble's labels; NaN where it was measured out of fold."""
    votes: Votes
    """Measured rows x candidates of the ensemble."""
    cost: PilotCost
    model: str
    direct_gold_accuracy: float = float("nan")
    notes: Sequence[str] = ()
    """What ended early, and why."""
    unanswered: Mapping[str, int] = field(default_factory=dict)
    """Failed requests for labels to compare with, by kind."""
