"""The asyncio client of the registry: the same calls as Registry, awaited."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
from labelwright.client.calling.channel import PUSH_TIMEOUT, REGISTRY_ADDRESS, REGISTRY_TIMEOUT, AsyncConnection
from labelwright.client.calling.retry import NO_RETRY, RetryPolicy
from labelwright.client.messages import registry as messages
from labelwright.client.messages.registry_results import (
    AliasMove,
    AliasState,
    Download,
    PushResult,
    TaskEntry,
    Version,
)
from labelwright.client.watching import WatchPosition
from labelwright.core.alias import PRODUCTION, Alias, AliasChange
from labelwright.core.bundle import Bundle
from labelwright.core.errors import LabelwrightError
from labelwright.core.report import Report
from labelwright.core.wire.reports import report_from_message
from labelwright.core.wire.security import Security
from labelwright.v1 import registry_service_pb2 as pb
from labelwright.v1.registry_service_pb2_grpc import RegistryServiceStub

if TYPE_CHECKING:  # a name of the stubs' types alone
    from labelwright.v1.registry_service_pb2_grpc import RegistryServiceAsyncStub


class AsyncRegistry(AsyncConnection):
    """Pushes, reads and names versions, within one event loop. Errors and retries are those of Registry."""

    def __init__(
        self,
        address: str = REGISTRY_ADDRESS,
        *,
        timeout: float = REGISTRY_TIMEOUT,
        retry: RetryPolicy | None = None,
        credentials: Security | grpc.ChannelCredentials | None = None,
    ) -> None:
        """``address`` is "host:port"; ``timeout`` is the deadline of a call (but for push) in seconds."""
        super().__init__("the registry", address, timeout, retry, credentials)

    async def tasks(self) -> list[TaskEntry]:
        """Return the tasks, by name."""
        answer = await self._calls.make_async(self._stub.ListTasks, pb.ListTasksRequest())
        return [messages.read_task(task) for task in answer.tasks]

    async def push(
        self,
        bundle: Bundle | Path | str,
        *,
        author: str = "",
        message: str = "",
        validate_only: bool = False,
        timeout: float = PUSH_TIMEOUT,
    ) -> PushResult:
        """Push a bundle or the folder that holds one. A bundle that is refused raises nothing: see the result's report.

        Raises InvalidBundle, with findings, if the folder is not even well formed.
        """
        request = messages.push_request(bundle, author, message, validate_only)
        return messages.read_push(await self._calls.make_async(self._stub.PushVersion, request, timeout=timeout))

    async def versions(self, task: str) -> list[Version]:
        """Return all versions, newest first."""
        versions: list[Version] = []
        request = messages.versions_request(task)
        while True:
            answer = await self._calls.make_async(self._stub.ListVersions, request)
            versions += [messages.read_version(version) for version in answer.versions]
            if not answer.next_page_token:
                return versions
            request.page_token = answer.next_page_token

    async def version(
        self, task: str, *, version: int | None = None, alias: str | None = None
    ) -> tuple[Version, Report]:
        """Return one version ("production" if neither number nor alias is given) and its report."""
        request = messages.version_request(task, version, alias)
        answer = await self._calls.make_async(self._stub.GetVersion, request)
        return messages.read_version(answer.version), report_from_message(answer.report)

    async def download(self, task: str, *, version: int | None = None, alias: str | None = None) -> Download:
        """Return a version's bundle, checked against its digest. Raises CorruptArtifact."""
        request = messages.download_request(task, version, alias)
        return messages.read_download(await self._calls.make_async(self._stub.DownloadBundle, request))

    async def aliases(self, task: str) -> list[Alias]:
        """Return the task's aliases, by name."""
        request = messages.aliases_request(task)
        answer = await self._calls.make_async(self._stub.ListAliases, request)
        return [messages.read_alias(alias) for alias in answer.aliases]

    async def set_alias(
        self,
        task: str,
        version: int,
        *,
        alias: str = PRODUCTION,
        actor: str = "",
        reason: str = "",
        override: bool = False,
        expected_version: int | None = None,
    ) -> AliasMove:
        """Move an alias. Raises GateFailed if "production" may not move there and ``override`` is not set.

        ``expected_version`` moves it only if it names that version now (0: it must not exist); AliasMoved otherwise.
        """
        request = messages.set_alias_request(task, alias, version, actor, reason, override, expected_version)
        return messages.read_set_alias(await self._calls.make_async(self._stub.SetAlias, request, retry=NO_RETRY))

    async def delete_alias(self, task: str, alias: str, *, actor: str = "", reason: str = "") -> None:
        """Remove an alias."""
        request = messages.delete_alias_request(task, alias, actor, reason)
        await self._calls.make_async(self._stub.DeleteAlias, request, retry=NO_RETRY)

    async def rollback(
        self,
        task: str,
        *,
        alias: str = PRODUCTION,
        actor: str = "",
        reason: str = "",
        expected_version: int | None = None,
    ) -> AliasMove:
        """Move an alias back to the version before. Raises NothingToRollBack.

        ``expected_version`` moves it only if it names that version now; AliasMoved otherwise.
        """
        request = messages.rollback_request(task, alias, actor, reason, expected_version)
        return messages.read_rollback(await self._calls.make_async(self._stub.Rollback, request, retry=NO_RETRY))

    async def history(self, task: str, *, alias: str = "", limit: int = 1000) -> list[AliasChange]:
        """Return the newest ``limit`` moves of an alias, of all the task's where none is named, newest first."""
        changes: list[AliasChange] = []
        request = messages.history_request(task, alias, limit)
        while True:
            answer = await self._calls.make_async(self._stub.ListAliasHistory, request)
            changes += [messages.read_change(change) for change in answer.changes]
            if not answer.next_page_token or len(changes) >= limit:
                return changes[:limit]
            request.page_token = answer.next_page_token

    async def watch(
        self, tasks: Sequence[str] = (), *, since_revision: int = 0, since_incarnation: str = ""
    ) -> AsyncIterator[AliasState]:
        """Yield the aliases' full state, then each change, without end; a registry that went away is asked again.

        Messages without news are left out. With ``since_revision``, and the incarnation that it is of, it goes on from
        there; the full state comes again where the registry was restored from a backup meanwhile.
        """
        position = WatchPosition(tasks, since_revision, since_incarnation, self._calls.retry)
        while True:
            try:
                opened = functools.partial(self._stub.Watch, position.request())
                async with aclosing(self._calls.stream_async(opened)) as stream:
                    async for message in stream:
                        if position.advance(message):
                            yield messages.read_watch(message)
                pause = position.pause_after_end()
            except LabelwrightError as error:
                pause = position.pause_after(error)
            await asyncio.sleep(pause)

    @property
    def _stub(self) -> RegistryServiceAsyncStub:
        return self._stub_of(RegistryServiceStub)
