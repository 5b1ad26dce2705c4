"""What a pilot takes and what it finds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from labelwright.core.bundle import Program
from labelwright.core.record import Record
from labelwright.core.row import Row
from labelwright.core.task import Task
from labelwright.synthesis.combining.ensemble import Ensemble
from labelwright.synthesis.llm.ledger import Total
from labelwright.synthesis.statistics.evaluation import Comparison, Quality
from labelwright.synthesis.statistics.label_models import Floats, Labels, Votes

ENSEMBLE, MAJORITY, DIRECT, BASELINE = "ensemble", "majority", "direct", "baseline"
DIRECT_CALIBRATED = "direct_calibrated"
"""The same answers of the LLM, its lean undone by the gold rows that it labeled too."""


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
class PilotMaterial:
    """The task, its unlabeled records, its gold rows, and rows to measure on; without them gold is measured on."""

    task: Task
    records: Sequence[Record]
    gold: Sequence[Row]
    test: Sequence[Row] = ()

    @property
    def measured_rows(self) -> Sequence[Row]:
        """The rows that quality is measured on."""
        return self.test or self.gold


@dataclass(frozen=True, slots=True)
class Written:
    """What the LLM wrote: programs that passed validation, and why the others did not."""

    asked: int
    programs: Sequence[Program]
    dropped: Sequence[tuple[str, str]] = ()
    """Name and reason."""
    stopped: str = ""
    """Why fewer were asked for than wanted."""


@dataclass(frozen=True, slots=True)
class Labeling:
    """One way of labeling the measured rows. ``rows`` are their indexes: a sample where each answer costs money."""

    given: Labels
    quality: Quality
    rows: Labels
    against_ensemble: Comparison | None = None
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

    material: PilotMaterial
    options: PilotOptions
    written: Written
    ensemble: Ensemble
    truth: Labels
    labelings: Mapping[str, Labeling]
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
