"""What synthesis works on: a task, its unlabeled records and its gold rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from labelwright.core.record import Record
from labelwright.core.row import Row
from labelwright.core.task import Task
from labelwright.synthesis.arrays import Labels


@dataclass(frozen=True, slots=True)
class Rows:
    """A task with its unlabeled records and its gold rows, of which there may be none."""

    task: Task
    records: Sequence[Record]
    gold: Sequence[Row]

    @property
    def label_count(self) -> int:
        """How many labels the task has."""
        return len(self.task.labels)

    @property
    def gold_records(self) -> list[Record]:
        """The gold rows without their labels."""
        return records_of(self.gold)

    @property
    def gold_labels(self) -> Labels:
        """The gold rows' labels."""
        return labels_of(self.gold)

    @property
    def gold_teaches(self) -> bool:
        """Whether the gold rows tell labels apart; rows of one label alone say nothing of the others."""
        return len({row.label for row in self.gold}) > 1


def records_of(rows: Sequence[Row]) -> list[Record]:
    """Return the rows without their labels."""
    return [row.record for row in rows]


def labels_of(rows: Sequence[Row]) -> Labels:
    """Return the right label of each row; all rows must have one."""
    return np.array([row.label for row in rows], dtype=np.int64)
