"""Records on which every program failed: no label, and no abstention either."""

from __future__ import annotations

from collections import Counter

from labelwright.cli.screen import shown
from labelwright.client import Failure, Labeling, Outcome, VoteError

PROGRAMS_FAILED = "PROGRAMS_FAILED"
_SAID = 200
"""Characters of what one program said."""
_KINDS = 3


def failure_of(outcome: Outcome) -> Failure | None:
    """Return why the record has no answer, None where it has one, be it an abstention.

    Knows of failed programs only where the outcome has votes; see ``is_doubtful``.
    """
    if isinstance(outcome, Failure):
        return outcome
    errors = {program: vote for program, vote in outcome.votes.items() if isinstance(vote, VoteError)}
    if outcome.label is not None or not errors or len(errors) < len(outcome.votes):
        return None
    said = [_said(vote, outcome.messages.get(program, "")) for program, vote in errors.items()]
    kinds = [kind for kind, _ in Counter(said).most_common(_KINDS)]
    more = ", …" if len(set(said)) > len(kinds) else ""
    who = "the program failed" if len(errors) == 1 else f"all {len(errors)} programs failed"
    return Failure(PROGRAMS_FAILED, f"{who}: {', '.join(kinds)}{more}")


def is_doubtful(outcome: Outcome) -> bool:
    """Whether all programs may have failed, which an answer without votes does not tell."""
    return isinstance(outcome, Labeling) and outcome.label is None and outcome.degraded and not outcome.votes


def _said(vote: VoteError, message: str) -> str:
    return f"{vote.name} {shown(message, _SAID)}" if message else vote.name
