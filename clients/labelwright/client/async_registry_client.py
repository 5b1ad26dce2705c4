"""The asyncio client of the registry: the same calls as Registry, awaited."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import grpc
from labelwright.client.calling.calls import Calls
from labelwright.client.calling.channel import (
    PUSH_TIMEOUT,
    REGISTRY_ADDRESS,
    REGISTRY_TIMEOUT,
    AsyncConnection,
    server_name,
)
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
from labelwright.core.report import Report
from labelwright.core.wire.reports import report_from_message
from labelwright.v1 import registry_service_pb2 as pb
from labelwright.v1.registry_service_pb2_grpc import RegistryServiceStub


class AsyncRegistry(AsyncConnection):
    """Pushes, reads and names versions, within one event loop. See Registry for what the methods do and raise."""

    def __init__(
        self,
        address: str = REGISTRY_ADDRESS,
        *,
        timeout: float = REGISTRY_TIMEOUT,
        retry: RetryPolicy | None = None,
        credentials: grpc.ChannelCredentials | None = None,
    ) -> None:
        """``address`` is "host:port"; ``timeout`` is the deadline of a call (but for push) in seconds."""
        super().__init__(address, credentials)
        self._stub = RegistryServiceStub(self._channel)
        self._calls = Calls(server_name("the registry", address), timeout, retry or RetryPolicy())

    async def tasks(self) -> list[TaskEntry]:
        """See Registry.tasks."""
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
        """See Registry.push."""
        request = messages.push_request(bundle, author, message, validate_only)
        return messages.read_push(await self._calls.make_async(self._stub.PushVersion, request, timeout=timeout))

    async def versions(self, task: str) -> list[Version]:
        """See Registry.versions."""
        found: list[Version] = []
        request = pb.ListVersionsRequest(task=task, page_size=messages.PAGE_SIZE)
        while True:
            answer = await self._calls.make_async(self._stub.ListVersions, request)
            found += [messages.read_version(version) for version in answer.versions]
            if not answer.next_page_token:
                return found
            request.page_token = answer.next_page_token

    async def version(
        self, task: str, *, version: int | None = None, alias: str | None = None
    ) -> tuple[Version, Report]:
        """See Registry.version."""
        request = messages.version_request(task, version, alias)
        answer = await self._calls.make_async(self._stub.GetVersion, request)
        return messages.read_version(answer.version), report_from_message(answer.report)

    async def download(self, task: str, *, version: int | None = None, alias: str | None = None) -> Download:
        """See Registry.download."""
        request = messages.download_request(task, version, alias)
        return messages.read_download(await self._calls.make_async(self._stub.DownloadBundle, request))

    async def aliases(self, task: str) -> list[Alias]:
        """See Registry.aliases."""
        request = pb.ListAliasesRequest(task=task)
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
        """See Registry.set_alias."""
        request = messages.set_alias_request(task, alias, version, actor, reason, override, expected_version)
        return messages.read_set_alias(await self._calls.make_async(self._stub.SetAlias, request, retry=NO_RETRY))

    async def delete_alias(self, task: str, alias: str, *, actor: str = "", reason: str = "") -> None:
        """See Registry.delete_alias."""
        request = pb.DeleteAliasRequest(task=task, alias=alias, actor=actor, reason=reason)
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
        """See Registry.rollback."""
        request = messages.rollback_request(task, alias, actor, reason, expected_version)
        return messages.read_rollback(await self._calls.make_async(self._stub.Rollback, request, retry=NO_RETRY))

    async def history(self, task: str, *, alias: str = "", limit: int = 1000) -> list[AliasChange]:
        """See Registry.history."""
        found: list[AliasChange] = []
        request = pb.ListAliasHistoryRequest(task=task, alias=alias, page_size=min(limit, messages.PAGE_SIZE))
        while True:
            answer = await self._calls.make_async(self._stub.ListAliasHistory, request)
            found += [messages.read_change(change) for change in answer.changes]
            if not answer.next_page_token or len(found) >= limit:
                return found[:limit]
            request.page_token = answer.next_page_token

    async def watch(self, tasks: Sequence[str] = (), *, since_revision: int = 0) -> AsyncIterator[AliasState]:
        """See Registry.watch."""
        position = WatchPosition(tasks, since_revision, self._calls.retry)
        while True:
            stream = self._stub.Watch(position.request())
            try:
                async for message in stream:
                    if position.advance(message):
                        yield messages.read_watch(message)
                pause = position.pause_after_end()
            except grpc.RpcError as error:
                pause = position.pause_after(self._calls.failure(error))
            finally:
                stream.cancel()
            await asyncio.sleep(pause)
