"""Who wrote what of a version, for provenance, and what that means for the version that comes after it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from labelwright.core.bundle import Bundle
from labelwright.core.origin import Origin, origins, row_key
from labelwright.synthesis.arrays import Labels
from labelwright.synthesis.combining.ensemble import Ensemble
from labelwright.synthesis.combining.provenance import now
from labelwright.synthesis.learning.sources import HEAD_NAMES, STUDENT_NAMES
from labelwright.synthesis.rows import Rows
from labelwright.synthesis.writing.round import Synthesis


def written_by(
    model: str, rows: Rows, synthesis: Synthesis, ensemble: Ensemble, earlier: Bundle | None
) -> dict[str, Any]:
    """Return the origin of each program that serves, as provenance has it; those of people have none.

    A program of an ``earlier`` version keeps the origin that it had there, also where a person changed it since: its
    digest tells.
    """
    keys, at = gold_keys(rows), now()
    found = origins(earlier) if earlier else {}
    present = {(program.name, program.digest) for program in earlier.programs} if earlier else set()
    for item in synthesis.kept:
        if (item.program.name, item.program.digest) in present:
            continue
        shown = tuple(keys[index] for index in sorted(item.attempt.shown_gold))
        found[item.program.name] = Origin(digest=item.program.digest, by=model, at=at, shown_gold=shown)
    learned = (STUDENT_NAMES if ensemble.student else frozenset()) | (HEAD_NAMES if ensemble.head else frozenset())
    for program, votes in zip(ensemble.programs, ensemble.gold_votes.T, strict=True):
        if program.name in learned:
            unseen = dict(zip(keys, _names(rows, votes), strict=True))
            found[program.name] = Origin(digest=program.digest, at=at, unseen_votes=unseen)
    return {
        program.name: found[program.name].model_dump(mode="json", exclude_defaults=True)
        for program in ensemble.programs
        if program.name in found
    }


def seen_gold(rows: Rows, known: Mapping[str, Origin]) -> dict[str, frozenset[int]]:
    """Return for each program, by name, the indexes of the gold rows by which it was made."""
    keys = gold_keys(rows)
    return {
        name: frozenset(np.flatnonzero([key in origin.seen_gold for key in keys]).tolist())
        for name, origin in known.items()
    }


def gold_keys(rows: Rows) -> list[str]:
    """Return the key of each gold row."""
    return [row_key(rows.task, record) for record in rows.gold_records]


def _names(rows: Rows, votes: Labels) -> list[str | None]:
    names = rows.task.label_names
    return [names[vote] if vote >= 0 else None for vote in votes.tolist()]
