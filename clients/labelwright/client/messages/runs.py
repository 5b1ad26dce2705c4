"""The messages about refresh runs, built and read. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import uuid4

from labelwright.core.errors import InvalidRequest, RunNotFound
from labelwright.core.run import MAX_FILE_BYTES, Review, Run, RunCost, RunState, Trigger, facts_to_text, message_of
from labelwright.core.wire.runs import (
    cost_to_message,
    review_to_message,
    run_from_message,
    state_to_message,
    trigger_to_message,
)
from labelwright.v1 import run_service_pb2 as pb

_MAX_ID = (1 << 63) - 1


def checked_id(run_id: int) -> int:
    """Return the number. Raises RunNotFound if no run can have it."""
    if not 1 <= run_id <= _MAX_ID:
        raise RunNotFound(f"there is no run {run_id}", advice="runs count from 1", run=run_id)
    return run_id


def start_request(task: str, trigger: Trigger, key: str, reason: str, actor: str) -> pb.StartRunRequest:
    """Return the request that opens a run.

    A key is made where none is given, so that the same request sent twice opens one run.
    """
    return pb.StartRunRequest(
        task=task,
        trigger=trigger_to_message(trigger),
        trigger_key=key or uuid4().hex,
        reason=message_of(reason),
        actor=actor,
    )


def advance_request(
    run_id: int,
    lease: str,
    states: tuple[RunState, RunState],
    message: str,
    facts: Mapping[str, object],
    versions: tuple[int, int],
) -> pb.AdvanceRunRequest:
    """Return the request that moves a run between two states; ``versions`` are the base's and the candidate's."""
    return pb.AdvanceRunRequest(
        run_id=checked_id(run_id),
        lease=lease,
        from_state=state_to_message(states[0]),
        to_state=state_to_message(states[1]),
        message=message_of(message),
        facts=facts_to_text(facts),
        base_version=versions[0],
        candidate_version=versions[1],
    )


def put_file_request(run_id: int, lease: str, name: str, content: bytes, cost: RunCost | None) -> pb.PutRunFileRequest:
    """Return the request that keeps a file. Raises InvalidRequest where the content is too large to be sent."""
    if len(content) > MAX_FILE_BYTES:
        raise InvalidRequest(
            f"the file has {len(content):,} bytes; {MAX_FILE_BYTES:,} are allowed",
            advice="split it into several files",
            field="content",
        )
    return pb.PutRunFileRequest(
        run_id=checked_id(run_id), lease=lease, name=name, content=content, cost=cost_to_message(cost) if cost else None
    )


def review_request(run_id: int, review: Review, actor: str, reason: str) -> pb.ReviewRunRequest:
    """Return the request that says what a person decides."""
    return pb.ReviewRunRequest(run_id=checked_id(run_id), review=review_to_message(review), actor=actor, reason=reason)


def read_claim(message: pb.ClaimRunResponse) -> tuple[Run, str] | None:
    """Return the run and its lease; None where there is nothing to work on."""
    return (run_from_message(message.run), message.lease) if message.HasField("run") else None
