"""What differs between two bundles: their files, and the labels that they give to the same rows."""

from __future__ import annotations

import difflib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from labelwright.cli.labeling.answering import Answerer
from labelwright.client import Failure, Outcome
from labelwright.core.bundle import GOLD_FILE, SAMPLE_FILE, Bundle
from labelwright.core.row import LABEL_COLUMN

Change = Literal["added", "removed", "changed"]
Verdict = Literal["became right", "became wrong", "stays wrong"]
_KEPT_TEXT = 500


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file that differs; ``diff`` is a unified diff, empty for files of rows."""

    path: str
    change: Change
    diff: str


@dataclass(frozen=True, slots=True)
class LabelChange:
    """One row that changes label; None is an abstention. ``right`` is the right label, None where nobody knows it."""

    record: str
    before: str | None
    after: str | None
    right: str | None = None

    @property
    def verdict(self) -> Verdict | None:
        """What became of the row, None where its right label is not known."""
        if self.right is None:
            return None
        return (
            "became right"
            if self.after == self.right
            else "became wrong"
            if self.before == self.right
            else "stays wrong"
        )


@dataclass(slots=True)
class LabelChanges:
    """How labels change over rows: counts of (before, after), what became of those whose right label is known, and the
    first changed rows. ``known`` rows have a right label, changed or not.
    """

    rows: int = 0
    known: int = 0
    verdicts: Counter[Verdict] = field(default_factory=Counter)
    moves: Counter[tuple[str | None, str | None]] = field(default_factory=Counter)
    examples: list[LabelChange] = field(default_factory=list)

    @property
    def changed(self) -> int:
        """Rows that change label."""
        return self.moves.total()


def compare_files(before: Bundle, after: Bundle) -> list[FileChange]:
    """Return the files that differ, by path."""
    changes = []
    for path in sorted(before.files.keys() | after.files.keys()):
        old, new = before.files.get(path), after.files.get(path)
        if old != new:
            change: Change = "added" if old is None else "removed" if new is None else "changed"
            diff = "" if path in (GOLD_FILE, SAMPLE_FILE) else _diff(path, old or b"", new or b"")
            changes.append(FileChange(path, change, diff))
    return changes


def own_rows(before: Bundle, after: Bundle) -> list[dict[str, Any]]:
    """Return the rows to compare on by default: sample and gold of the later bundle, else the earlier's."""
    for bundle in (after, before):
        files = [bundle.files[name].decode() for name in (SAMPLE_FILE, GOLD_FILE) if name in bundle.files]
        if files:
            return [json.loads(line) for text in files for line in text.split("\n") if line.strip()]
    return []


def compare_labels(before: Answerer, after: Answerer, rows: Iterable[Mapping[str, Any]], examples: int) -> LabelChanges:
    """Label the rows with both; keep the first ``examples`` rows whose label changes.

    A row's column ``label`` is its right one, where it is a label of the task.
    """
    changes = LabelChanges()
    for batch in after.batches(rows):
        changes.rows += len(batch)
        pairs = zip(before.answer(batch), after.answer(batch), strict=True)
        for row, (old, new) in zip(batch, pairs, strict=True):
            was, now = _label(old), _label(new)
            given = row.get(LABEL_COLUMN)
            right = given if isinstance(given, str) and given in after.task.labels else None
            changes.known += right is not None
            if was != now:
                change = LabelChange(_shortened(after, row), was, now, right)
                changes.moves[was, now] += 1
                if change.verdict:
                    changes.verdicts[change.verdict] += 1
                if len(changes.examples) < examples:
                    changes.examples.append(change)
    return changes


def _label(outcome: Outcome) -> str | None:
    return f"({outcome.reason})" if isinstance(outcome, Failure) else outcome.label


def _shortened(answerer: Answerer, row: Mapping[str, Any]) -> str:
    """Return the row's fields for people: a text by itself, several fields as JSON."""
    fields = {name: row[name] for name in answerer.task.fields if name in row}
    only = next(iter(fields.values())) if len(fields) == 1 else None
    return (only if isinstance(only, str) else json.dumps(fields, ensure_ascii=False, default=str))[:_KEPT_TEXT]


def _diff(path: str, old: bytes, new: bytes) -> str:
    lines = difflib.unified_diff(
        old.decode().splitlines(), new.decode().splitlines(), f"a/{path}", f"b/{path}", lineterm=""
    )
    return "\n".join(lines)
