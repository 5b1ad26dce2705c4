"""The determinism check: a record's votes may depend on the record and on nothing else.

A program that keeps something between records votes differently in another order, in other batches or after a
restart. So the same sample is evaluated in several ways, each in fresh instances, and all must agree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from labelwright.core.bundle import Program
from labelwright.core.finding import Finding
from labelwright.core.task import Task
from labelwright.core.vote import ABSTAIN, VoteError
from labelwright.sandbox.backend.votes_text import Votes
from labelwright.sandbox.sandbox import Sandbox

CODE = "AS310"
_ODD_BATCH = 7
_UNCERTAIN = frozenset((VoteError.TIMEOUT, VoteError.BENCHED))
"""Votes that depend on how busy the machine is, and so prove nothing about the program."""


def check_determinism(
    sandbox: Sandbox,
    task: Task,
    programs: Sequence[Program],
    packed_records: Sequence[str],
    deadline: float | None = None,
) -> list[Finding]:
    """Return an error for each program whose votes on the sample differ between ways of evaluating it.

    ``deadline`` is a ``time.monotonic()`` value. Raises InvalidBundle where a program does not load, DeadlineExceeded.
    """
    if not packed_records:
        return []

    def evaluate(programs: Sequence[Program], batches: Sequence[Sequence[str]]) -> list[Votes]:
        executable = sandbox.load(task, programs)
        try:
            return [votes for batch in batches for votes in executable.evaluate(batch, deadline=deadline).votes]
        finally:
            executable.close()

    ways = list(_evaluations(evaluate, programs, packed_records))
    findings = []
    for place, program in enumerate(programs):
        first = [votes[place] for votes in ways[0][1]]
        for name, evaluated in ways[1:]:
            differing = _first_difference(first, [votes[place] for votes in evaluated])
            if differing is not None:
                findings.append(_finding(task, program, name, differing, first[differing], evaluated[differing][place]))
                break
    return findings


def _evaluations(
    evaluate: Callable[[Sequence[Program], Sequence[Sequence[str]]], list[Votes]],
    programs: Sequence[Program],
    records: Sequence[str],
) -> Iterator[tuple[str, list[Votes]]]:
    yield "in order", evaluate(programs, [records])
    yield "in reverse order", evaluate(programs, [records[::-1]])[::-1]
    batches = [records[start : start + _ODD_BATCH] for start in range(0, len(records), _ODD_BATCH)]
    yield f"in batches of {_ODD_BATCH}", evaluate(programs, batches)
    if len(programs) > 1:
        columns = [evaluate([program], [records]) for program in programs]
        rows = zip(*([row[0] for row in column] for column in columns), strict=True)
        yield "without the other programs", list(rows)


def _first_difference(one: Sequence[int], other: Sequence[int]) -> int | None:
    for place, (left, right) in enumerate(zip(one, other, strict=True)):
        if left != right and left not in _UNCERTAIN and right not in _UNCERTAIN:
            return place
    return None


def _finding(task: Task, program: Program, way: str, place: int, first: int, then: int) -> Finding:
    return Finding(
        program.path,
        0,
        CODE,
        f"votes {_shown(task, first)} on record {place + 1} of the sample, but {_shown(task, then)} {way}",
        "keep nothing between records: no counters, caches of results, changed lists or globals",
    )


def _shown(task: Task, vote: int) -> str:
    if vote == ABSTAIN:
        return "nothing"
    return VoteError(vote).name if vote < ABSTAIN else repr(task.label_names[vote])
