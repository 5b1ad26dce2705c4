"""A version, ready to label: the executable's votes, turned into decisions by the label model."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from labelwright.core.bundle import Bundle
from labelwright.core.label_model import Decision, LabelModel
from labelwright.core.task import Task
from labelwright.sandbox.backend.answers import Votes
from labelwright.sandbox.backend.executable import Executable
from labelwright.sandbox.sandbox import Sandbox


@dataclass(frozen=True, slots=True)
class Labeled:
    """One record's decision and the votes behind it."""

    decision: Decision
    votes: Votes


class Labeler:
    """Labels packed records with one version. Safe to use from several threads."""

    def __init__(self, task: Task, executable: Executable, label_model: LabelModel) -> None:
        self.task = task
        self.executable = executable
        self._label_model = label_model

    @classmethod
    def open(cls, sandbox: Sandbox, bundle: Bundle) -> Labeler:
        """Return a labeler for the bundle. Raises InvalidBundle if a program does not load."""
        return cls(bundle.task, sandbox.load(bundle.task, bundle.programs), bundle.label_model)

    def label(self, packed_records: Iterable[str], deadline: float | None = None) -> list[Labeled]:
        """Return one decision a record. ``deadline`` is a ``time.monotonic()`` value. Raises DeadlineExceeded."""
        evaluation = self.executable.evaluate(packed_records, deadline=deadline)
        decide = self._label_model.decide
        return [Labeled(decide(votes), votes) for votes in evaluation.votes]

    def close(self) -> None:
        """Free the executable. Running calls finish first."""
        self.executable.close()
