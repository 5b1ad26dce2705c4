"""Records whose evaluation a caller's deadline cut short: judged again in the background, in the time they may take.

A deadline shorter than a program's own limit says nothing about the program. Without this, one that never comes back on
some record would fail every request with that record, and nobody would be blamed.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor

from labelwright.core.errors import LabelwrightError
from labelwright.core.record import record_key
from labelwright.core.vote import VoteError

Verdicts = Mapping[int, tuple[int, str]]
"""By a program's place: its error vote on a record, and what went wrong."""

_COSTLY = frozenset((VoteError.TIMEOUT, VoteError.MEMORY, VoteError.CRASHED, VoteError.STACK))
_REST = 10.0
"""How many times as long as it took nothing is judged after a judgment that blamed nobody."""
_MOST = 1024
"""Records of which is remembered who failed on them: the newest."""


class CutShort:
    """Judges the records of one version, and remembers the verdicts. Safe to use from several threads."""

    def __init__(
        self,
        evaluate: Callable[[Sequence[str]], Sequence[tuple[Sequence[int], str]]],
        background: Executor | None,
        remembered: float,
    ) -> None:
        """``evaluate`` gives each program's votes and first message, however long that takes.

        Without a ``background`` nothing is judged. A verdict is ``remembered`` for so many seconds.
        """
        self._evaluate = evaluate
        self._background = background
        self._remembered = remembered
        self._verdicts: OrderedDict[bytes, tuple[float, Verdicts]] = OrderedDict()
        """The records by their keys, with the time until which the verdict holds; the oldest first."""
        self._all_until = 0.0
        self._judging = threading.Lock()
        self._rests_until = 0.0

    def judge(self, records: Sequence[str]) -> None:
        """Find out in the background who fails on these records; one judgment at a time."""
        background = self._background
        if background and time.monotonic() >= self._rests_until and self._judging.acquire(blocking=False):
            try:
                background.submit(self._judge, tuple(records)).add_done_callback(lambda _: self._judging.release())
            except RuntimeError:  # the sandbox is closed
                self._judging.release()

    def known(self, records: Sequence[str]) -> Mapping[int, Verdicts]:
        """Return the verdicts on those of the records that have one, by their place."""
        now = time.monotonic()
        if now >= self._all_until:
            return {}
        found = ((place, self._verdicts.get(record_key(record))) for place, record in enumerate(records))
        return {place: verdict[1] for place, verdict in found if verdict is not None and now < verdict[0]}

    def _judge(self, records: Sequence[str]) -> None:
        started = time.monotonic()
        try:
            columns = self._evaluate(records)
        except LabelwrightError:  # no time, memory or processor for it
            columns = ()
        now = time.monotonic()
        until = now + self._remembered
        for number, record in enumerate(records):
            failed = {place: (votes[number], said) for place, (votes, said) in enumerate(columns)}
            verdicts = {place: failure for place, failure in failed.items() if failure[0] in _COSTLY}
            if verdicts:
                self._verdicts[record_key(record)] = (until, verdicts)
                self._all_until = until
        while len(self._verdicts) > _MOST:
            self._verdicts.popitem(last=False)
        if self._all_until < until:
            self._rests_until = now + _REST * (now - started)
