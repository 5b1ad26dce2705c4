"""A shadow: one candidate beside one production version, on a share of the records that production answers.

Records are chosen at random and not by their hash: the figures are shares of *traffic*, and by hash a frequent record
would be in or out as a whole. The choice knows nothing of the sample of recent records: a candidate written from that
must not be tried on just those records.
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
"""What waits to be evaluated, twice: some to be taken over by the evaluating thread, some by it."""
_BATCH = 64
"""Records evaluated at once."""


class Seen(NamedTuple):
    """A record and what production answered."""

    packed: str
    answer: LabelAnswer


class Shadow:
    """Requests ``offer``, one other thread evaluates. What it is made of goes at ``end``."""

    def __init__(self, alias: str, share: float, candidate: LiveVersion, meter: ShadowMeter) -> None:
        """``share`` is that of the records that are chosen. Takes over a reference to the candidate."""
        self.alias = alias
        self.candidate = candidate
        self._share = share
        self._meter = meter
        self._backlog: Backlog[Sequence[Seen]] = Backlog(_MAX_RECORDS, _MAX_BYTES)
        self._waiting: deque[Seen] = deque()

    def offer(self, packed: Sequence[str], answers: Sequence[LabelAnswer]) -> None:
        """Choose some of the records that production answered. Never waits, never raises."""
        chance, share = random.random, self._share
        seen = [Seen(text, answer) for text, answer in zip(packed, answers, strict=True) if chance() < share]
        if seen and not self._backlog.put(seen, [item.packed for item in seen]):
            self.drop(len(seen))

    def next_batch(self) -> list[Seen]:
        """Return records to evaluate, oldest first; none where none wait. For the evaluating thread alone."""
        if not self._waiting:
            self._waiting.extend(chain.from_iterable(self._backlog.take()))
        return [self._waiting.popleft() for _ in range(min(_BATCH, len(self._waiting)))]

    def evaluate(self, batch: Sequence[Seen], deadline: float) -> None:
        """Evaluate the candidate and compare; equal records once.

        ``deadline`` is a ``time.monotonic()`` value. Raises DeadlineExceeded.
        """
        packed = list(dict.fromkeys(item.packed for item in batch))
        votes = self.candidate.executable.evaluate(packed, deadline=deadline).votes
        answers = {text: self.candidate.answers.of(row) for text, row in zip(packed, votes, strict=True)}
        for item in batch:
            self._meter.count(item.answer, answers[item.packed])

    def drop(self, records: int) -> None:
        """Take note of chosen records that are not evaluated."""
        self._meter.drop_records(records)

    def end(self) -> None:
        """Let the series and the candidate go."""
        self._meter.drop()
        self.candidate.release()
