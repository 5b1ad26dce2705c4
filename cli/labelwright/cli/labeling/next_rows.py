"""Which records a person should label next, and why: disputed ones, unsure ones, and some at random."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, Literal, TypeVar

from labelwright.cli.labeling.answering import FolderAnswerer
from labelwright.cli.labeling.run import label_rows
from labelwright.cli.rows.record_reading import MAX_RECORDS
from labelwright.cli.rows.row_reading import InputRow
from labelwright.client.messages.labels import Details
from labelwright.core.bundle import Bundle
from labelwright.core.row import record_from_row, row_of_record
from labelwright.core.task import Task

Reason = Literal["disputed", "unsure", "varied"]
_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A row, what the version says of it, and how many programs vote for each label, the most first."""

    columns: Mapping[str, Any]
    label: str | None
    probability: float
    votes: tuple[tuple[str, int], ...]

    @property
    def is_disputed(self) -> bool:
        """Whether programs vote for different labels."""
        return len(self.votes) > 1

    @property
    def lead(self) -> float:
        """By what share of the votes the first label of a disputed row is ahead of the second, 0 to 1."""
        (_, first), (_, second), *_ = self.votes
        return (first - second) / sum(count for _, count in self.votes)

    @property
    def sureness(self) -> float:
        """The label's probability; -1 without a label, which is less sure than anything."""
        return -1.0 if self.label is None else self.probability


@dataclass(frozen=True, slots=True)
class Chosen:
    """A row to label next."""

    candidate: Candidate
    reason: Reason

    @property
    def why(self) -> str:
        """The reason in words."""
        row = self.candidate
        if self.reason == "disputed":
            (label, count), *others = row.votes
            said = [f"{count} {'programs say' if count > 1 else 'program says'} {label}"]
            return ", ".join(said + [f"{count} {label}" for label, count in others])
        if self.reason == "unsure" and row.label is None:
            return "no label is likely enough" if row.votes else "no program votes for a label"
        if self.reason == "unsure":
            return f"{row.label}, with a probability of {row.probability:.2f}, is among the least sure answers"
        return "one at random: where the programs are sure, too, somebody must look"


@dataclass(slots=True)
class Candidates:
    """The rows to choose from, each record once. ``known`` rows are gold already, ``faulty`` ones cannot be labeled."""

    rows: list[Candidate] = field(default_factory=list)
    known: int = 0
    faulty: int = 0
    more: bool = False
    """Whether the file holds more than were looked at."""


def find_candidates(bundle: Bundle, answerer: FolderAnswerer, rows: Iterable[InputRow]) -> Candidates:
    """Label the rows, and return those that a person may be asked about.

    Raises ConfigurationError where the first hundred rows have one and the same fault.
    """
    found = Candidates()
    given = _given(bundle.task)
    gold = {repr(record_from_row(given, row_of_record(bundle.task, row.record))) for row in bundle.gold}
    seen = set(gold)
    waiting = iter(rows)
    for batch in label_rows(islice(waiting, MAX_RECORDS), answerer, Details(explain=True)):
        for row, added in batch:
            if added.get("error"):
                found.faulty += 1
                continue
            key = repr(record_from_row(given, row.columns))  # a record may hold lists, which have no hash
            if key in gold:
                found.known += 1
            elif key not in seen:
                seen.add(key)
                votes = Counter(vote for vote in added["votes"].values() if vote in bundle.task.labels)
                found.rows.append(
                    Candidate(row.columns, added["label"], added["probability"], tuple(votes.most_common()))
                )
    found.more = next(waiting, None) is not None
    return found


def choose_next(candidates: Sequence[Candidate], count: int, seed: int) -> list[Chosen]:
    """Return ``count`` rows, or as many as there are: disputed, unsure and random ones in turn, each row once.

    Each kind is spread over the labels, so that not all are of one confusion. The most useful of a kind come first.
    """
    disputed = sorted(filter(lambda row: row.is_disputed, candidates), key=lambda row: (row.lead, row.sureness))
    shuffled = random.Random(seed).sample(candidates, len(candidates))  # noqa: S311 - a sample, no secret
    kinds: list[tuple[Reason, Iterator[Candidate]]] = [
        ("disputed", _spread(disputed, lambda row: frozenset(label for label, _ in row.votes[:2]))),
        ("unsure", _spread(sorted(candidates, key=lambda row: row.sureness), lambda row: row.label)),
        ("varied", _spread(shuffled, lambda row: row.label)),
    ]
    taken: dict[int, Chosen] = {}
    while kinds and len(taken) < count:
        reason, rows = kinds.pop(0)
        row = next((row for row in rows if id(row) not in taken), None)
        if row is not None:
            taken[id(row)] = Chosen(row, reason)
            kinds.append((reason, rows))
    return list(taken.values())


def _spread(rows: Sequence[_Item], group: Callable[[_Item], Hashable]) -> Iterator[_Item]:
    """Yield the rows: the first one of each group, then the second ones, and so on."""
    turns: Counter[Hashable] = Counter()
    placed = []
    for place, row in enumerate(rows):
        turn = turns[group(row)]
        turns[group(row)] += 1
        placed.append((turn, place))
    return (rows[place] for _, place in sorted(placed))


def _given(task: Task) -> Task:
    """Return the task without what is made of its records: its features say nothing new of them."""
    return replace(task, fields={name: item for name, item in task.fields.items() if name not in task.features})
