"""One program of a version: its votes on records, whatever it does.

Each call begins with the same memory, so a vote depends on what stands in the call and on nothing else: no other
program, no call before, no other caller. What is left is the call's own records, and these are looked at by sample.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from labelwright.core.errors import Overloaded
from labelwright.core.task import Limits
from labelwright.core.vote import VoteError
from labelwright.sandbox.backend.bench import Bench
from labelwright.sandbox.backend.calls import Caller
from labelwright.sandbox.backend.costs import Costs
from labelwright.sandbox.backend.kept import KeptSnapshot
from labelwright.sandbox.backend.pool import InstancePool
from labelwright.sandbox.backend.snapshot import CallResult
from labelwright.sandbox.host.instance import FaultKind, InstanceFault

_ATTEMPTS = 4
"""How often a pair that hardly ran is tried before the machine counts as overloaded."""
_MOST_PATIENCE = 64.0
"""How many times the limit a pair may take in wall time if the machine is so busy that it hardly runs."""
_PATIENCE_STEP = 8.0
"""By how much that grows from one attempt to the next, at most."""
_MARGIN = 1.3
ENOUGH_CPU = 0.9
"""A pair that was stopped is at fault if its thread had this share of the limit on a processor."""
_SLOW_SHARE = 0.25
_log = logging.getLogger(__name__)


class ProgramRun:
    """Lets one program vote. Safe to use from several threads."""

    def __init__(
        self,
        name: str,
        kept: KeptSnapshot,
        limits: Limits,
        bench: Bench,
        pool: InstancePool,
    ) -> None:
        """``kept`` is the program's own snapshot, in which it is the last one."""
        self.name = name
        self.bench = bench
        self._kept = kept
        self._limits = limits
        self._limit = limits.time_ms / 1000
        self._pool = pool
        self._costs = Costs(self._limit)
        self._remembers = False

    @property
    def size(self) -> int:
        """How many records the next call takes best."""
        return 1 if self._remembers else self._costs.size

    @property
    def is_easy(self) -> bool:
        """Whether nothing speaks against calling it together with others: it is quick, sound and forgets."""
        slow = self._costs.seconds > self._limit * _SLOW_SHARE
        return not (slow or self._remembers or self.bench.reason)

    def votes(self, records: Sequence[str], deadline: float | None) -> tuple[list[int], str]:
        """Return a vote a record, and what went wrong first.

        The ordinary case is a call for many records. If it does not return, the program goes on record by record, so
        the error lands on the record that fails alone. Raises DeadlineExceeded, Overloaded.
        """
        votes: list[int] = []
        message = ""
        alone = 0
        while len(votes) < len(records):
            place = len(votes)
            if not self.bench.admits():
                message = message or f"benched: {self.bench.reason}"
                return votes + [int(VoteError.BENCHED)] * (len(records) - place), message
            if not alone:
                piece = records[place : place + self.size]
                together = self._together(piece, deadline)
                if together is not None:
                    votes += (row[-1] for row in together.rows)
                    message = message or _message(together)
                    continue
                alone = len(piece)
            vote, said = self._alone(records[place], deadline)
            alone -= 1
            votes.append(vote)
            message = message or said
        return votes, message

    def remembers(self) -> None:
        """Give the program each record alone from now on: it votes by the records before."""
        self._remembers = True
        _log.warning("%s votes by the records before: from now on it gets each one alone", self.name)

    def close(self) -> None:
        """Free the instances. Calls under way finish first."""
        self._kept.close()

    def _caller(self, deadline: float | None) -> Caller:
        return Caller(self._pool, self._kept, self._limit, deadline)

    def _together(self, records: Sequence[str], deadline: float | None) -> CallResult | None:
        """Return the votes if the program casts them within one pair's limit, else None: then ask one by one."""
        if len(records) == 1:
            return None
        caller = self._caller(deadline)
        try:
            result = caller.call(records)
        except InstanceFault:
            return None
        self._costs.took(len(records), result.cpu_seconds)
        if len(result.rows[0]) - 1 in caller.differing(records, result.rows):
            self.remembers()
            return None
        self.bench.succeeded()
        return result

    def _alone(self, record: str, deadline: float | None) -> tuple[int, str]:
        """Return the vote on one record and what went wrong.

        On a busy machine wall time proves little: a pair that hardly ran gets more of it, until CPU time decides.
        Raises Overloaded where it never does.
        """
        patience = 1.0
        for _ in range(_ATTEMPTS):
            try:
                result = self._caller(deadline).call([record], patience)
            except InstanceFault as fault:
                self._costs.took(1, fault.cpu_seconds)
                if fault.kind is not FaultKind.TIME:
                    return self._failed(*self._died(fault))
                if fault.cpu_seconds >= self._limit * ENOUGH_CPU:
                    break
                lacking = _MARGIN * self._limit / max(fault.cpu_seconds, self._limit / _PATIENCE_STEP)
                patience = min(_MOST_PATIENCE, patience * lacking)
                continue
            self._costs.took(1, result.cpu_seconds)
            if patience > 1.0 and result.cpu_seconds > self._limit:
                break
            self.bench.succeeded()
            return result.rows[0][-1], _message(result)
        else:
            raise Overloaded(
                "the machine is too busy to run programs",
                retry_after=1.0,
                advice="come back after the delay in RetryInfo, with fewer requests at once",
            )
        return self._failed(VoteError.TIMEOUT, f"ran longer than {self._limits.time_ms} ms")

    def _failed(self, error: VoteError, message: str) -> tuple[int, str]:
        self.bench.failed(message)
        return int(error), message

    def _died(self, fault: InstanceFault) -> tuple[VoteError, str]:
        if fault.kind is FaultKind.STACK:
            return VoteError.STACK, "used up the stack"
        if fault.kind is FaultKind.MEMORY:
            return VoteError.MEMORY, f"asked for more than {self._limits.memory_mb} MiB"
        return VoteError.CRASHED, f"ended the sandbox: {fault.reason}"


def _message(result: CallResult) -> str:
    return result.messages.get(len(result.rows[0]) - 1, "")
