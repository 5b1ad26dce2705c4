"""Who wrote a bundle's programs: a model, what was learned from rows, or people.

Provenance has each program as it was made. One that reads differently now, or that is not named there, is a person's.
"""

from __future__ import annotations

from typing import Any

from labelwright.core.bundle import PROVENANCE_FILE, Bundle
from labelwright.core.record import Record, pack, record_key
from labelwright.core.task import Task
from labelwright.core.text.json_text import parse_json
from pydantic import BaseModel, ConfigDict, ValidationError

WRITTEN = "written"
"""The key of provenance.json under which origins stand, by the program's name."""
BY_HAND = "by hand"


class Origin(BaseModel):
    """A program as it was made. Gold rows stand here by their ``row_key``."""

    model_config = ConfigDict(frozen=True)

    digest: str
    by: str = ""
    """The model; empty where the program was learned from rows."""
    at: str = ""
    """ISO 8601, in UTC."""
    shown_gold: tuple[str, ...] = ()
    """The gold rows that stood in its prompts: by these it is not judged."""
    unseen_votes: dict[str, str | None] = {}
    """Of what was learned: its vote on each gold row by a fit that had not seen the row, None for an abstention."""

    @property
    def seen_gold(self) -> frozenset[str]:
        """The gold rows by which it was made."""
        return frozenset(self.shown_gold) | self.unseen_votes.keys()

    @property
    def author(self) -> str:
        """Who wrote it and when, for people."""
        return f"{f'by {self.by}' if self.by else 'learned from rows'}, {self.at[:10]}"


def row_key(task: Task, record: Record) -> str:
    """Return what names a gold row, whatever its place and label: 64 bits of its record's hash."""
    return record_key(pack(record, task.limits.record_bytes)).hex()[:16]


def read_provenance(bundle: Bundle) -> dict[str, Any]:
    """Return what the bundle says of where it comes from, nothing where it does not."""
    document: dict[str, Any] = parse_json(bundle.files.get(PROVENANCE_FILE, b"{}"))
    return document


def origins(bundle: Bundle) -> dict[str, Origin]:
    """Return the origins that provenance has, also of programs that were changed since; what cannot be read is none."""
    written = read_provenance(bundle).get(WRITTEN)
    found = {}
    for name, entry in written.items() if isinstance(written, dict) else ():
        try:
            found[name] = Origin.model_validate(entry)
        except ValidationError:
            continue
    return found


def authors(bundle: Bundle) -> dict[str, str]:
    """Return for each program who wrote it: ``BY_HAND``, or a model or what was learned, with the day."""
    known = origins(bundle)
    return {
        program.name: known[program.name].author
        if program.name in known and known[program.name].digest == program.digest
        else BY_HAND
        for program in bundle.programs
    }


def by_hand(bundle: Bundle) -> frozenset[str]:
    """Return the names of the programs that people wrote or changed."""
    return frozenset(name for name, author in authors(bundle).items() if author == BY_HAND)
