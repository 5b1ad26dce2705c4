"""Explained answers: what failed programs said. Answers that are kept do not hold it, so it is found out anew."""

from __future__ import annotations

from collections.abc import Iterable

from labelwright.sandbox.failures import failure_messages
from labelwright.service.answer import LabelAnswer
from labelwright.service.versions.live_version import LiveVersion
from labelwright.v1 import label_service_pb2 as pb

_MOST = 256
"""Records of one request of which it is found out."""


def add_messages(
    version: LiveVersion, answered: Iterable[tuple[str, LabelAnswer, pb.LabelOutcome]], deadline: float
) -> None:
    """Add to outcomes with votes what the failed programs said of their packed record.

    ``deadline`` is a ``time.monotonic()`` value; nothing is added beyond it.
    """
    left = _MOST
    for packed, answer, outcome in answered:
        if not answer.errors or not left:
            continue
        left -= 1
        messages = failure_messages(version.executable, packed, answer.votes, deadline)
        for vote in outcome.labeling.votes:
            if vote.WhichOneof("vote") == "error":
                vote.message = messages.get(vote.program, "")
