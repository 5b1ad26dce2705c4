"""The client of refresh runs, which the registry keeps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from types import MappingProxyType

import grpc
from labelwright.client.calling.channel import REGISTRY_ADDRESS, REGISTRY_TIMEOUT, Connection
from labelwright.client.calling.retry import NO_RETRY, RetryPolicy
from labelwright.client.messages import runs as messages
from labelwright.core.run import Review, Run, RunCost, RunState, Trigger
from labelwright.core.wire.messages import moment_from_message
from labelwright.core.wire.runs import run_from_message
from labelwright.core.wire.security import Security
from labelwright.v1 import run_service_pb2 as pb
from labelwright.v1.run_service_pb2_grpc import RunServiceStub

_NO_FACTS: Mapping[str, object] = MappingProxyType({})


class RunClient(Connection[RunServiceStub]):
    """Opens, works on, decides on and reads refresh runs over one connection. Safe to share between threads.

    Every method raises LabelwrightError subclasses. All are tried again if the registry is away, except ``claim`` (a
    second one could take a second run) and ``review``: a repeated step, file or start changes nothing. Reasons of
    ``start`` and messages of ``advance`` may quote anything: control characters are left out, what is too long is cut.
    """

    def __init__(
        self,
        address: str = REGISTRY_ADDRESS,
        *,
        timeout: float = REGISTRY_TIMEOUT,
        retry: RetryPolicy | None = None,
        credentials: Security | grpc.ChannelCredentials | None = None,
    ) -> None:
        """``address`` is "host:port" of the registry; ``timeout`` is the deadline of a call in seconds."""
        super().__init__("the registry", address, RunServiceStub, timeout, retry, credentials)

    def start(self, task: str, *, trigger: Trigger, key: str = "", reason: str, actor: str) -> tuple[Run, bool]:
        """Return the task's open run and whether this call opened it. Raises TaskNotFound.

        A ``key`` that opened a run before returns that one, even if it has ended.
        """
        request = messages.start_request(task, trigger, key, reason, actor)
        answer = self._calls.make(self._stub.StartRun, request)
        return run_from_message(answer.run), answer.created

    def claim(self, worker: str, lease_seconds: int, *, awaiting_approval: bool = False) -> tuple[Run, str] | None:
        """Return a run to work on, with its steps, and the lease on it; None if there is none.

        Runs that wait for a person are included only if ``awaiting_approval`` is set.
        """
        request = messages.claim_request(worker, lease_seconds, awaiting_approval)
        return messages.read_claim(self._calls.make(self._stub.ClaimRun, request, retry=NO_RETRY))

    def renew(self, run_id: int, lease: str, lease_seconds: int) -> datetime:
        """Prolong a lease and return until when it holds; 0 seconds let it go. Raises LeaseLost, RunNotFound."""
        request = messages.renew_request(run_id, lease, lease_seconds)
        return moment_from_message(self._calls.make(self._stub.RenewLease, request).lease_expires_at)

    def advance(
        self,
        run_id: int,
        lease: str,
        from_state: RunState,
        to_state: RunState,
        message: str,
        facts: Mapping[str, object] = _NO_FACTS,
        *,
        base_version: int = 0,
        candidate_version: int = 0,
    ) -> Run:
        """Move a run to its next state, record the step, and return the run without its steps.

        From a state to itself, only the step is recorded. A version of 0 keeps the one that is known. Raises
        RunStateMismatch, LeaseLost, RunNotFound.
        """
        request = messages.advance_request(
            run_id, lease, (from_state, to_state), message, facts, (base_version, candidate_version)
        )
        return run_from_message(self._calls.make(self._stub.AdvanceRun, request).run)

    def put_file(self, run_id: int, lease: str, name: str, content: bytes, cost: RunCost | None = None) -> bool:
        """Keep a file until the run ends, and return whether it is new; only then ``cost`` is booked.

        Raises StorageFull if the run keeps too much, LeaseLost, RunNotFound.
        """
        request = messages.put_file_request(run_id, lease, name, content, cost)
        return self._calls.make(self._stub.PutRunFile, request).created

    def get_file(self, run_id: int, name: str) -> bytes:
        """Return a file. Raises RunFileNotFound, RunNotFound."""
        return self._calls.make(self._stub.GetRunFile, messages.get_file_request(run_id, name)).content

    def list_files(self, run_id: int, prefix: str = "") -> tuple[str, ...]:
        """Return the names of the run's files that begin so, sorted. Raises RunNotFound."""
        request = messages.list_files_request(run_id, prefix)
        return tuple(self._calls.make(self._stub.ListRunFiles, request).names)

    def review(self, run_id: int, review: Review, actor: str, reason: str) -> Run:
        """Record a person's decision, and return the run without its steps. Raises RunStateMismatch, RunNotFound."""
        request = messages.review_request(run_id, review, actor, reason)
        return run_from_message(self._calls.make(self._stub.ReviewRun, request, retry=NO_RETRY).run)

    def get(self, run_id: int) -> Run:
        """Return a run with its steps. Raises RunNotFound."""
        return run_from_message(
            self._calls.make(self._stub.GetRun, pb.GetRunRequest(run_id=messages.checked_id(run_id))).run
        )

    def list(self, task: str = "", *, open: bool = False) -> Iterator[Run]:  # noqa: A002 - the contract's words
        """Yield runs without their steps, newest first: all, the task's, or the open ones. Raises TaskNotFound."""
        request = messages.list_request(task, open)
        while True:
            answer = self._calls.make(self._stub.ListRuns, request)
            yield from map(run_from_message, answer.runs)
            if not answer.next_page_token:
                return
            request.page_token = answer.next_page_token
