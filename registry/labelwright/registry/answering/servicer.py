"""RegistryService: each method checks the request, asks one part, and makes the result a message."""

# The names and parameters of the methods are the contract's.
# ruff: noqa: N802, ARG002

from __future__ import annotations

import time
from collections.abc import Iterator

import grpc
from labelwright.core.alias import PRODUCTION
from labelwright.core.errors import InvalidRequest
from labelwright.core.wire.reports import gate_to_message, reference_to_message, report_to_message
from labelwright.registry.answering import messages
from labelwright.registry.answering.requests import (
    acting,
    checked_alias,
    checked_text,
    is_name,
    known_name,
    page_size,
    read_page_token,
)
from labelwright.registry.changes.feed import Feed
from labelwright.registry.changes.promotion import Promotion
from labelwright.registry.changes.push import Pusher
from labelwright.registry.store.aliases import AliasStore, Move
from labelwright.registry.store.artifacts import ArtifactStore
from labelwright.registry.store.versions import StoredVersion, VersionStore, no_alias
from labelwright.serving.access.identity import Scope, current_caller
from labelwright.v1 import registry_service_pb2 as pb
from labelwright.v1 import registry_service_pb2_grpc as pb_grpc

_Selected = pb.GetVersionRequest | pb.DownloadBundleRequest


class RegistryServicer(pb_grpc.RegistryServiceServicer):
    """The gRPC face of the registry. Errors leave as LabelwrightError; the interceptor turns them into status."""

    def __init__(
        self,
        pusher: Pusher,
        promotion: Promotion,
        versions: VersionStore,
        aliases: AliasStore,
        artifacts: ArtifactStore,
        feed: Feed,
    ) -> None:
        self._pusher = pusher
        self._promotion = promotion
        self._versions = versions
        self._aliases = aliases
        self._artifacts = artifacts
        self._feed = feed

    def ListTasks(self, request: pb.ListTasksRequest, context: grpc.ServicerContext) -> pb.ListTasksResponse:
        """List the tasks."""
        aliases = self._aliases.of_every_task()
        return pb.ListTasksResponse(
            tasks=[
                pb.Task(
                    name=version.task,
                    latest=messages.version_to_message(version),
                    aliases=[messages.alias_to_message(alias) for alias in aliases.get(version.task, ())],
                )
                for version in self._versions.latest()
            ]
        )

    def PushVersion(self, request: pb.PushVersionRequest, context: grpc.ServicerContext) -> pb.PushVersionResponse:
        """Accept or refuse a bundle; refusal is an answer, not an error."""
        author = acting("author", request.author)
        message = checked_text("message", request.message)
        files = [(file.path, file.content) for file in request.bundle.files]
        outcome = self._pusher.push(
            files,
            author,
            message,
            validate_only=request.validate_only,
            deadline=_deadline(context),
            is_wanted=context.is_active,
            admit=_admit_task,
        )
        return pb.PushVersionResponse(
            version=messages.version_to_message(outcome.version) if outcome.version else None,
            report=report_to_message(outcome.report),
            created=outcome.created,
        )

    def ListVersions(self, request: pb.ListVersionsRequest, context: grpc.ServicerContext) -> pb.ListVersionsResponse:
        """List a task's versions, newest first."""
        size = page_size(request.page_size)
        versions = self._versions.page(known_name(request.task), size + 1, read_page_token(request.page_token))
        return pb.ListVersionsResponse(
            versions=[messages.version_to_message(version) for version in versions[:size]],
            next_page_token=str(versions[size - 1].number) if len(versions) > size else "",
        )

    def GetVersion(self, request: pb.GetVersionRequest, context: grpc.ServicerContext) -> pb.GetVersionResponse:
        """Return one version with its report."""
        version = self._selected(request)
        return pb.GetVersionResponse(
            version=messages.version_to_message(version), report=report_to_message(version.report)
        )

    def DownloadBundle(
        self, request: pb.DownloadBundleRequest, context: grpc.ServicerContext
    ) -> pb.DownloadBundleResponse:
        """Return a version's content, verified against its digest."""
        # Read before the version: were it restored in between, the caller would take the new state for the old at most
        # until it hears of the new incarnation.
        incarnation = self._feed.identity.incarnation
        version = self._selected(request)
        reference = version.report.reference
        return pb.DownloadBundleResponse(
            version=messages.version_to_message(version),
            bundle=messages.files_to_message(self._artifacts.get(version.digest)),
            reference=reference_to_message(reference) if reference else None,
            incarnation=incarnation,
        )

    def ListAliases(self, request: pb.ListAliasesRequest, context: grpc.ServicerContext) -> pb.ListAliasesResponse:
        """List a task's aliases."""
        aliases = self._aliases.all(known_name(request.task))
        return pb.ListAliasesResponse(aliases=[messages.alias_to_message(alias) for alias in aliases])

    def SetAlias(self, request: pb.SetAliasRequest, context: grpc.ServicerContext) -> pb.SetAliasResponse:
        """Move an alias; ``production`` only through the gates."""
        if not request.version:
            raise InvalidRequest("no version is named", advice="set `version` to a version's number", field="version")
        move = Move(
            known_name(request.task),
            checked_alias(request.alias),
            request.version,
            acting("actor", request.actor),
            checked_text("reason", request.reason),
            request.expected_version if request.HasField("expected_version") else None,
        )
        if request.override_gate and (caller := current_caller.get()):
            caller.require(Scope.ADMIN)
        outcome = self._promotion.move(
            move, override_gate=request.override_gate, deadline=_deadline(context), is_wanted=context.is_active
        )
        return pb.SetAliasResponse(
            alias=messages.alias_to_message(outcome.alias),
            gates=[gate_to_message(result) for result in outcome.gates],
            changed=outcome.changed,
        )

    def DeleteAlias(self, request: pb.DeleteAliasRequest, context: grpc.ServicerContext) -> pb.DeleteAliasResponse:
        """Remove an alias."""
        self._promotion.remove(
            known_name(request.task),
            checked_alias(request.alias),
            acting("actor", request.actor),
            checked_text("reason", request.reason),
        )
        return pb.DeleteAliasResponse()

    def Rollback(self, request: pb.RollbackRequest, context: grpc.ServicerContext) -> pb.RollbackResponse:
        """Move an alias back to the version that it named before."""
        alias, from_version = self._promotion.roll_back(
            known_name(request.task),
            checked_alias(request.alias or PRODUCTION),
            acting("actor", request.actor),
            checked_text("reason", request.reason),
            request.expected_version if request.HasField("expected_version") else None,
        )
        return pb.RollbackResponse(alias=messages.alias_to_message(alias), from_version=from_version)

    def ListAliasHistory(
        self, request: pb.ListAliasHistoryRequest, context: grpc.ServicerContext
    ) -> pb.ListAliasHistoryResponse:
        """List who moved an alias, when and why, newest first."""
        size = page_size(request.page_size)
        alias = checked_alias(request.alias) if request.alias else ""
        before = read_page_token(request.page_token)
        changes = self._aliases.history(known_name(request.task), alias, size + 1, before)
        return pb.ListAliasHistoryResponse(
            changes=[messages.change_to_message(change) for change in changes[:size]],
            next_page_token=str(changes[size - 1].revision) if len(changes) > size else "",
        )

    def Watch(self, request: pb.WatchRequest, context: grpc.ServicerContext) -> Iterator[pb.WatchResponse]:
        """Stream the aliases: the full state first, then each change."""
        context.add_callback(self._feed.poke)
        since, tasks = request.since_revision, frozenset(request.tasks)
        for update in self._feed.watch(since, request.since_incarnation, tasks, context.is_active):
            yield messages.update_to_message(update)

    def _selected(self, request: _Selected) -> StoredVersion:
        task = known_name(request.task)
        match request.WhichOneof("selector"):
            case "version":
                return self._versions.by_number(task, request.version)
            case "alias":
                if not is_name(request.alias):
                    raise no_alias(task, request.alias)
                return self._versions.by_alias(task, request.alias)
            case "digest" if isinstance(request, pb.DownloadBundleRequest):
                return self._versions.by_digest(task, ascii(request.digest)[1:-1])
            case _:
                return self._versions.by_alias(task, PRODUCTION)


def _admit_task(task: str) -> None:
    if caller := current_caller.get():
        caller.require_tasks((task,))


def _deadline(context: grpc.ServicerContext) -> float | None:
    """Return the caller's deadline as a time.monotonic() value."""
    seconds = context.time_remaining()
    return None if seconds is None else time.monotonic() + seconds
