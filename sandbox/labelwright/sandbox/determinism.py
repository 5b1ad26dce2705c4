"""The determinism check: a record's votes may depend on the record and on nothing else.

A program that keeps something between records votes differently in another order, in other batches or after a
restart; one that takes an object's address for a value, in memory that is laid out differently. So the same records are
evaluated in several ways, and all must agree.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence

from labelwright.core.bundle import Program
from labelwright.core.errors import DeadlineExceeded
from labelwright.core.finding import Finding
from labelwright.core.task import Task
from labelwright.core.vote import ABSTAIN, VoteError
from labelwright.sandbox.backend.answers import Votes
from labelwright.sandbox.made_up import made_up_records
from labelwright.sandbox.sandbox import Sandbox

CODE = "LW310"
_ODD_BATCH = 7
_MADE_UP_BATCH = 2
"""Made-up records in the first call; each further call takes as many as all before it."""
_MADE_UP_SECONDS = 1.0
"""Made-up records are tried as far as one way of evaluating them takes so long."""
_MOST_PATIENCE = 16
"""How many times as long by the clock, on a machine that gives them no processor meanwhile."""
_SHOWN = 120
"""Characters of a made-up record in a finding."""
_COSTLY = frozenset((VoteError.TIMEOUT, VoteError.MEMORY, VoteError.CRASHED, VoteError.BENCHED))
_UNCERTAIN = frozenset((VoteError.TIMEOUT, VoteError.BENCHED))
"""Votes that depend on how busy the machine is, and so prove nothing about the program."""
_BALLAST = """\
KEPT = []
for number in range({count}):
    class Kept:
        pass
    KEPT += [Kept, lambda: number, object(), bytes(16 * number % 500), {{number: [number + 0.5]}}]


def label():
    return None
"""


def check_determinism(
    sandbox: Sandbox,
    task: Task,
    programs: Sequence[Program],
    packed_records: Sequence[str],
    deadline: float | None = None,
) -> list[Finding]:
    """Return an error for each program whose votes differ between ways of evaluating the same records.

    The records are ``packed_records`` and made-up ones. ``deadline`` is a ``time.monotonic()`` value. Raises
    InvalidBundle where a program does not load, DeadlineExceeded.
    """
    if not programs:
        return []

    def evaluate(batches: Iterable[Sequence[str]], ballast: int = 0) -> list[Votes]:
        executable = sandbox.load(task, programs, deadline, beside=_ballast(ballast) if ballast else None)
        try:
            return [votes for batch in batches for votes in executable.evaluate(batch, deadline=deadline).votes]
        finally:
            executable.close()

    records = [*packed_records, *_affordable(sandbox, task, programs, deadline)]
    if not records:
        return []
    ways = list(_evaluations(evaluate, records))
    findings = []
    for place, program in enumerate(programs):
        first = [votes[place] for votes in ways[0][1]]
        for name, evaluated in ways[1:]:
            differing = _first_difference(first, [votes[place] for votes in evaluated])
            if differing is not None:
                record = f"record {differing + 1} of the sample"
                if differing >= len(packed_records):
                    record = f"the made-up record {records[differing][:_SHOWN]}"
                findings.append(_finding(task, program, name, record, first[differing], evaluated[differing][place]))
                break
    return findings


def _affordable(sandbox: Sandbox, task: Task, programs: Sequence[Program], deadline: float | None) -> list[str]:
    """Return the made-up records that these programs vote on in time and within their memory."""
    records = made_up_records(task, programs)
    affordable: list[str] = []
    executable = sandbox.load(task, programs, deadline)
    begun, begun_processor, patience = time.monotonic(), time.thread_time(), 1
    try:
        while batch := records[: max(_MADE_UP_BATCH, len(affordable))]:
            until = begun + patience * _MADE_UP_SECONDS
            try:
                rows = executable.evaluate(batch, deadline=until if deadline is None else min(until, deadline)).votes
            except DeadlineExceeded:
                if deadline is not None and deadline <= until:
                    raise
                if time.thread_time() - begun_processor > _MADE_UP_SECONDS / 2 or patience >= _MOST_PATIENCE:
                    break
                patience *= 2
                continue
            records = records[len(batch) :]
            affordable += [record for record, votes in zip(batch, rows, strict=True) if not _COSTLY & set(votes)]
    finally:
        executable.close()
    return affordable


def _evaluations(
    evaluate: Callable[[Iterable[Sequence[str]], int], list[Votes]], records: Sequence[str]
) -> Iterator[tuple[str, list[Votes]]]:
    yield "in order", evaluate([records], 0)
    yield "alone, with memory laid out otherwise", evaluate([[record] for record in records], 2)
    batches = [records[start : start + _ODD_BATCH] for start in range(0, len(records), _ODD_BATCH)]
    yield f"in batches of {_ODD_BATCH}, with memory laid out otherwise", evaluate(batches, 5)
    yield "in reverse order, with memory laid out otherwise", evaluate([records[::-1]], 20)[::-1]


def _ballast(count: int) -> Program:
    """Return a program that only takes up memory, so that what the other makes stands at other addresses."""
    return Program("ballast", _BALLAST.format(count=count))


def _first_difference(one: Sequence[int], other: Sequence[int]) -> int | None:
    for place, (left, right) in enumerate(zip(one, other, strict=True)):
        if left != right and left not in _UNCERTAIN and right not in _UNCERTAIN:
            return place
    return None


def _finding(task: Task, program: Program, way: str, record: str, first: int, then: int) -> Finding:
    return Finding(
        program.path,
        0,
        CODE,
        f"votes {_shown(task, first)} on {record}, but {_shown(task, then)} {way}",
        "keep nothing between records, and decide nothing by the address of an object (its hash, or order in a set)",
    )


def _shown(task: Task, vote: int) -> str:
    if vote == ABSTAIN:
        return "nothing"
    return VoteError(vote).name if vote < ABSTAIN else repr(task.label_names[vote])
