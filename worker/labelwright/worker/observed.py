"""How a version behaves on records: the basis of comparison where the right labels are unknown."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass

from labelwright.core.bundle import Bundle
from labelwright.core.report import Reference
from labelwright.core.vote import is_error
from labelwright.registry.acceptance.figures import reference_figures
from labelwright.sandbox import Labeler, Sandbox
from labelwright.sandbox.backend.answers import Votes


@dataclass(frozen=True, slots=True)
class Observed:
    """A version's label of each record (an index, -1 where it abstained) and its programs' votes."""

    labels: tuple[int, ...]
    votes: tuple[Votes, ...]

    @property
    def failed(self) -> tuple[bool, ...]:
        """Whether a program failed on each record."""
        return tuple(any(map(is_error, row)) for row in self.votes)

    @property
    def errors(self) -> int:
        """How many votes are errors."""
        return sum(is_error(vote) for row in self.votes for vote in row)

    @property
    def vote_count(self) -> int:
        """How many votes there are, errors included."""
        return sum(map(len, self.votes))

    def figures(self, label_names: Sequence[str]) -> Reference:
        """Return the shares, as acceptance measures them. There must be records."""
        return reference_figures(label_names, self.labels, self.votes)


def observe(sandbox: Sandbox, bundle: Bundle, packed: Sequence[str]) -> Observed:
    """Return how the bundle's version labels packed records. Raises InvalidBundle where a program does not load."""
    with closing(Labeler.open(sandbox, bundle)) as labeler:
        labeled = labeler.label(packed)
    return Observed(tuple(item.decision.label for item in labeled), tuple(item.votes for item in labeled))
