"""RunService: each method checks the request, asks one store, and makes the result a message."""

# The names and parameters of the methods are the contract's.
# ruff: noqa: N802, ARG002

from __future__ import annotations

import secrets

import grpc
import structlog
from labelwright.core.wire.messages import moment_to_message
from labelwright.core.wire.runs import (
    review_from_message,
    run_to_message,
    state_from_message,
    trigger_from_message,
)
from labelwright.registry.answering.requests import known_name, page_size, read_page_token
from labelwright.registry.runs.files import RunFileStore
from labelwright.registry.runs.requests import (
    checked_content,
    checked_cost,
    checked_facts,
    checked_file_name,
    checked_key,
    checked_seconds,
    known_id,
    required_actor,
    required_text,
    required_worker,
)
from labelwright.registry.runs.rows import NewRun
from labelwright.registry.runs.runs import RunStore, Transition
from labelwright.v1 import run_service_pb2 as pb
from labelwright.v1 import run_service_pb2_grpc as pb_grpc

_log = structlog.get_logger(__name__)


class RunServicer(pb_grpc.RunServiceServicer):
    """The gRPC face of refresh runs. Errors leave as LabelwrightError; the interceptor turns them into status."""

    def __init__(self, runs: RunStore, files: RunFileStore) -> None:
        self._runs = runs
        self._files = files

    def StartRun(self, request: pb.StartRunRequest, context: grpc.ServicerContext) -> pb.StartRunResponse:
        """Open a run, or return the one that exists."""
        new = NewRun(
            known_name(request.task),
            trigger_from_message(request.trigger),
            checked_key(request.trigger_key) or secrets.token_hex(16),
            required_text("reason", request.reason),
            required_actor(request.actor),
        )
        run, created = self._runs.start(new)
        if created:
            _log.info("run opened", run=run.id, task=run.task, trigger=run.trigger.value, actor=new.actor)
        return pb.StartRunResponse(run=run_to_message(run), created=created)

    def ClaimRun(self, request: pb.ClaimRunRequest, context: grpc.ServicerContext) -> pb.ClaimRunResponse:
        """Return a run to work on, and a lease."""
        worker = required_worker(request.worker)
        seconds = checked_seconds(request.lease_seconds, least=1)
        claim = self._runs.claim(worker, seconds, awaiting_approval=request.awaiting_approval)
        if claim is None:
            return pb.ClaimRunResponse()
        run, lease = claim
        _log.info("run claimed", run=run.id, task=run.task, worker=worker, seconds=seconds)
        return pb.ClaimRunResponse(run=run_to_message(run), lease=lease)

    def RenewLease(self, request: pb.RenewLeaseRequest, context: grpc.ServicerContext) -> pb.RenewLeaseResponse:
        """Extend a lease, or release it."""
        seconds = checked_seconds(request.lease_seconds, least=0)
        until = self._runs.renew(known_id(request.run_id), request.lease, seconds)
        return pb.RenewLeaseResponse(lease_expires_at=moment_to_message(until))

    def AdvanceRun(self, request: pb.AdvanceRunRequest, context: grpc.ServicerContext) -> pb.AdvanceRunResponse:
        """Move a run to its next state."""
        step = Transition(
            known_id(request.run_id),
            request.lease,
            state_from_message(request.from_state, "from_state"),
            state_from_message(request.to_state, "to_state"),
            required_text("message", request.message),
            checked_facts(request.facts),
            request.base_version,
            request.candidate_version,
        )
        run = self._runs.advance(step)
        _log.info("run advanced", run=run.id, task=run.task, state=run.state.value, from_state=step.from_state.value)
        return pb.AdvanceRunResponse(run=run_to_message(run))

    def PutRunFile(self, request: pb.PutRunFileRequest, context: grpc.ServicerContext) -> pb.PutRunFileResponse:
        """Keep a file."""
        created = self._files.put(
            known_id(request.run_id),
            request.lease,
            checked_file_name(request.name),
            checked_content(request.content),
            checked_cost(request.cost) if request.HasField("cost") else None,
        )
        return pb.PutRunFileResponse(created=created)

    def GetRunFile(self, request: pb.GetRunFileRequest, context: grpc.ServicerContext) -> pb.GetRunFileResponse:
        """Return a file."""
        return pb.GetRunFileResponse(content=self._files.get(known_id(request.run_id), checked_file_name(request.name)))

    def ListRunFiles(self, request: pb.ListRunFilesRequest, context: grpc.ServicerContext) -> pb.ListRunFilesResponse:
        """List a run's files."""
        prefix = checked_file_name(request.prefix) if request.prefix else ""
        return pb.ListRunFilesResponse(names=self._files.names(known_id(request.run_id), prefix))

    def ReviewRun(self, request: pb.ReviewRunRequest, context: grpc.ServicerContext) -> pb.ReviewRunResponse:
        """Apply a person's decision."""
        review = review_from_message(request.review)
        actor = required_actor(request.actor)
        run = self._runs.review(known_id(request.run_id), review, actor, required_text("reason", request.reason))
        _log.info("run reviewed", run=run.id, task=run.task, review=review.value, actor=actor)
        return pb.ReviewRunResponse(run=run_to_message(run))

    def GetRun(self, request: pb.GetRunRequest, context: grpc.ServicerContext) -> pb.GetRunResponse:
        """Return one run with its steps."""
        return pb.GetRunResponse(run=run_to_message(self._runs.get(known_id(request.run_id))))

    def ListRuns(self, request: pb.ListRunsRequest, context: grpc.ServicerContext) -> pb.ListRunsResponse:
        """List runs, newest first."""
        size = page_size(request.page_size)
        task = known_name(request.task) if request.task else ""
        before = read_page_token(request.page_token)
        runs = self._runs.page(task, size + 1, before, only_open=request.open)
        return pb.ListRunsResponse(
            runs=[run_to_message(run) for run in runs[:size]],
            next_page_token=str(runs[size - 1].id) if len(runs) > size else "",
        )
