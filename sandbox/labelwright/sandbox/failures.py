"""What a program's failure on one record says, for people."""

from __future__ import annotations

from collections.abc import Mapping

from labelwright.core.errors import DeadlineExceeded
from labelwright.core.vote import VoteError, is_error
from labelwright.sandbox.backend.answers import Votes
from labelwright.sandbox.backend.executable import Executable

_TELLING = frozenset((VoteError.RAISED, VoteError.INVALID_RESULT, VoteError.STACK))
"""Failures of which the code alone does not say enough, and that cost no more than any other vote."""


def failure_messages(
    executable: Executable, record: str, votes: Votes, deadline: float | None = None
) -> Mapping[str, str]:
    """Return what failed programs say of a packed record, by program: the exception's name, text and line.

    Votes may be older than the instance, so the record is evaluated once more. Messages may quote the record. Empty
    where none failed, where one failed in a costly way, and where ``deadline`` (``time.monotonic()``) is too near.
    """
    errors = {vote for vote in votes if is_error(vote)}
    if not errors or not errors <= _TELLING:
        return {}
    try:
        return executable.evaluate([record], deadline=deadline).messages
    except DeadlineExceeded:
        return {}
