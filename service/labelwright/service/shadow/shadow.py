"""A shadow: one candidate beside one production version, on a share of the records that production answers.

Records are chosen at random and not by their hash: the figures are shares of *traffic*, and by hash either all or none
of a frequent record's occurrences would be chosen. The choice is independent of the sample of recent records: a
candidate that was written from the sample must not be tried on just those records.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

from labelwright.service.answer import LabelAnswer
from labelwright.service.backlog import Backlog
from labelwright.service.shadow.meter import ShadowMeter
from labelwright.service.versions.live_version import LiveVersion

_MAX_RECORDS = 2048
_MAX_BYTES = 4 << 20
"""Bounds of the records that wait, twice: in the backlog, and taken from it by the evaluating thread."""
_BATCH = 64
"""Records evaluated at once."""


class AnsweredRecord(NamedTuple):
    """A record and production's answer."""

    packed: str
    answer: LabelAnswer


class Shadow:
    """Requests ``offer`` records, one other thread evaluates them. ``end`` releases the candidate and the series."""

    def __init__(self, alias: str, share: float, candidate: LiveVersion, meter: ShadowMeter) -> None:
        """``share`` of the records are chosen. Takes over a reference to the candidate."""
        self.alias = alias
        self.candidate = candidate
        self._share = share
        self._meter = meter
        self._backlog: Backlog[Sequence[AnsweredRecord]] = Backlog(_MAX_RECORDS, _MAX_BYTES)
        self._waiting: deque[AnsweredRecord] = deque()

    def offer(self, packed: Sequence[str], answers: Sequence[LabelAnswer]) -> None:
        """Choose some of the records that production answered. Never waits, never raises."""
        chance, share = random.random, self._share
        records = [
            AnsweredRecord(text, answer) for text, answer in zip(packed, answers, strict=True) if chance() < share
        ]
        if records and not self._backlog.put(records, [item.packed for item in records]):
            self.drop(len(records))

    def next_batch(self) -> list[AnsweredRecord]:
        """Return the next records to evaluate, oldest first, or none. Only for the evaluating thread."""
        if not self._waiting:
            self._waiting.extend(chain.from_iterable(self._backlog.take()))
        return [self._waiting.popleft() for _ in range(min(_BATCH, len(self._waiting)))]

    def evaluate(self, batch: Sequence[AnsweredRecord], deadline: float) -> None:
        """Evaluate the candidate and compare it with production; equal records are evaluated once.

        ``deadline`` is a ``time.monotonic()`` value. Raises DeadlineExceeded.
        """
        packed = list(dict.fromkeys(item.packed for item in batch))
        votes = self.candidate.executable.evaluate(packed, deadline=deadline).votes
        answers = {text: self.candidate.answers.of(row) for text, row in zip(packed, votes, strict=True)}
        for item in batch:
            self._meter.count(item.answer, answers[item.packed])

    def drop(self, records: int) -> None:
        """Count chosen records that are not evaluated."""
        self._meter.drop_records(records)

    def end(self) -> None:
        """Release the series and the candidate."""
        self._meter.drop()
        self.candidate.release()
