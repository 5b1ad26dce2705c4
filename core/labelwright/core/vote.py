"""Votes: the answers of programs, one a program and record.

A vote is a small integer, because a batch of 256 records and ten programs makes 2,560 of them: the index of a label
in the task, ``ABSTAIN``, or one of the ``VoteError`` codes, which are all below it.
"""

from __future__ import annotations

import enum

ABSTAIN = -1


class VoteError(enum.IntEnum):
    """How a program failed. The names are those of the wire's ``VoteError``."""

    RAISED = -2
    INVALID_RESULT = -3
    TIMEOUT = -4
    MEMORY = -5
    STACK = -6
    CRASHED = -7
    BENCHED = -8


def is_error(vote: int) -> bool:
    """Whether the vote is a failure and not a label or an abstention."""
    return vote < ABSTAIN


def is_label(vote: int) -> bool:
    """Whether the vote is a label's index."""
    return vote >= 0


def in_conflict(votes: tuple[int, ...]) -> bool:
    """Whether two programs gave different labels."""
    return len({vote for vote in votes if vote >= 0}) > 1
