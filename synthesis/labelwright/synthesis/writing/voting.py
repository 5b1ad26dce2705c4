"""Votes of programs on many records, cast in the sandbox, as they are when served."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing

import numpy as np
from labelwright.core.bundle import Program
from labelwright.core.record import Record, pack
from labelwright.core.task import Task
from labelwright.sandbox import Sandbox
from labelwright.synthesis.arrays import Votes


def cast_votes(sandbox: Sandbox, task: Task, programs: Sequence[Program], records: Sequence[Record]) -> Votes:
    """Return records x programs: a label's index, -1 for an abstention, lower for an error.

    Raises InvalidBundle where a program does not load.
    """
    votes = np.empty((len(records), len(programs)), dtype=np.int64)
    if not programs or not records:
        return votes
    packed = [pack(record, task.limits.record_bytes) for record in records]
    with closing(sandbox.load(task, programs)) as executable:
        votes[:] = executable.evaluate(packed).votes
    return votes
