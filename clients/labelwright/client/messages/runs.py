"""The messages about refresh runs, built and read. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import uuid4

from labelwright.client.messages.arguments import build, of_type, shown, whole_number
from labelwright.client.messages.registry import PAGE_SIZE
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
    """Return the number. Raises RunNotFound where no run can have it, InvalidRequest where it is no number."""
    number = whole_number(run_id, "run_id")
    if not 1 <= number <= _MAX_ID:
        raise RunNotFound(f"there is no run {shown(number)}", advice="runs count from 1", run=shown(number))
    return number


def start_request(task: str, trigger: Trigger, key: str, reason: str, actor: str) -> pb.StartRunRequest:
    """Return the request that opens a run.

    A key is made where none is given, so that the same request sent twice opens one run.
    """
    return build(
        pb.StartRunRequest,
        task=task,
        trigger=trigger_to_message(of_type(trigger, Trigger, "trigger")),
        trigger_key=key or uuid4().hex,
        reason=message_of(of_type(reason, str, "reason")),
        actor=actor,
    )


def claim_request(worker: str, lease_seconds: int, awaiting_approval: bool) -> pb.ClaimRunRequest:
    """Return the request for a run to work on."""
    return build(
        pb.ClaimRunRequest, worker=worker, lease_seconds=lease_seconds, awaiting_approval=bool(awaiting_approval)
    )


def renew_request(run_id: int, lease: str, lease_seconds: int) -> pb.RenewLeaseRequest:
    """Return the request that prolongs a lease."""
    return build(pb.RenewLeaseRequest, run_id=checked_id(run_id), lease=lease, lease_seconds=lease_seconds)


def advance_request(
    run_id: int,
    lease: str,
    states: tuple[RunState, RunState],
    message: str,
    facts: Mapping[str, object],
    versions: tuple[int, int],
) -> pb.AdvanceRunRequest:
    """Return the request that moves a run between two states; ``versions`` are the base's and the candidate's."""
    return build(
        pb.AdvanceRunRequest,
        run_id=checked_id(run_id),
        lease=lease,
        from_state=state_to_message(of_type(states[0], RunState, "from_state")),
        to_state=state_to_message(of_type(states[1], RunState, "to_state")),
        message=message_of(of_type(message, str, "message")),
        facts=facts_to_text(facts),
        base_version=versions[0],
        candidate_version=versions[1],
    )


def put_file_request(run_id: int, lease: str, name: str, content: bytes, cost: RunCost | None) -> pb.PutRunFileRequest:
    """Return the request that keeps a file. Raises InvalidRequest where the content is too large to be sent."""
    size = len(of_type(content, bytes, "content"))
    if size > MAX_FILE_BYTES:
        raise InvalidRequest(
            f"the file has {size:,} bytes; {MAX_FILE_BYTES:,} are allowed",
            advice="split it into several files",
            field="content",
        )
    return build(
        pb.PutRunFileRequest,
        run_id=checked_id(run_id),
        lease=lease,
        name=name,
        content=content,
        cost=cost_to_message(of_type(cost, RunCost, "cost")) if cost else None,
    )


def get_file_request(run_id: int, name: str) -> pb.GetRunFileRequest:
    """Return the request for a file."""
    return build(pb.GetRunFileRequest, run_id=checked_id(run_id), name=name)


def list_files_request(run_id: int, prefix: str) -> pb.ListRunFilesRequest:
    """Return the request for the names of files."""
    return build(pb.ListRunFilesRequest, run_id=checked_id(run_id), prefix=prefix)


def list_request(task: str, only_open: bool) -> pb.ListRunsRequest:
    """Return the request for the first page of runs."""
    return build(pb.ListRunsRequest, task=task, open=bool(only_open), page_size=PAGE_SIZE)


def review_request(run_id: int, review: Review, actor: str, reason: str) -> pb.ReviewRunRequest:
    """Return the request that says what a person decides."""
    return build(
        pb.ReviewRunRequest,
        run_id=checked_id(run_id),
        review=review_to_message(of_type(review, Review, "review")),
        actor=actor,
        reason=reason,
    )


def read_claim(message: pb.ClaimRunResponse) -> tuple[Run, str] | None:
    """Return the run and its lease; None where there is nothing to work on."""
    return (run_from_message(message.run), message.lease) if message.HasField("run") else None
