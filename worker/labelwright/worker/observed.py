"""How a version behaves on records: what it is compared by where nobody knows the right labels."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass

from labelwright.core.bundle import Bundle
from labelwright.core.report import Reference
from labelwright.core.vote import in_conflict, is_error, is_label
from labelwright.sandbox import Labeler, Sandbox


@dataclass(frozen=True, slots=True)
class Observed:
    """What a version said of each record. ``labels`` are indices, -1 where it abstained; ``failed`` says of each
    record whether a program failed on it. ``conflicts`` counts records, ``errors`` and ``votes`` votes.
    """

    labels: tuple[int, ...]
    failed: tuple[bool, ...]
    conflicts: int
    errors: int
    votes: int

    def figures(self, label_names: Sequence[str]) -> Reference:
        """Return the shares, as acceptance measures them. There must be records."""
        labeled = [label for label in self.labels if is_label(label)]
        return Reference(
            rows=len(self.labels),
            label_shares={
                name: labeled.count(index) / len(labeled) if labeled else 0.0 for index, name in enumerate(label_names)
            },
            coverage=len(labeled) / len(self.labels),
            conflict=self.conflicts / len(self.labels),
            error=self.errors / self.votes if self.votes else 0.0,
        )


def observe(sandbox: Sandbox, bundle: Bundle, packed: Sequence[str]) -> Observed:
    """Return what the bundle's version says of packed records. Raises InvalidBundle where a program does not load."""
    with closing(Labeler.open(sandbox, bundle)) as labeler:
        labeled = labeler.label(packed)
    return Observed(
        labels=tuple(item.decision.label for item in labeled),
        failed=tuple(any(map(is_error, item.votes)) for item in labeled),
        conflicts=sum(in_conflict(item.votes) for item in labeled),
        errors=sum(is_error(vote) for item in labeled for vote in item.votes),
        votes=sum(len(item.votes) for item in labeled),
    )
