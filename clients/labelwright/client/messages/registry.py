"""The registry's messages, built and read. Pure; shared by both registry clients."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from labelwright.client.messages import registry_results as results
from labelwright.client.messages.arguments import build, items, version_number, whole_number
from labelwright.core.alias import PRODUCTION, Alias, AliasChange
from labelwright.core.bundle import Bundle, read_folder
from labelwright.core.errors import CorruptArtifact, InvalidBundle, InvalidRequest
from labelwright.core.finding import Finding
from labelwright.core.wire.messages import bundle_from_message, bundle_to_message, moment_from_message
from labelwright.core.wire.reports import gate_from_message, reference_from_message, report_from_message
from labelwright.v1 import registry_service_pb2 as pb

PAGE_SIZE = 500


def push_request(bundle: Bundle | Path | str, author: str, message: str, validate_only: bool) -> pb.PushVersionRequest:
    """Return the request that pushes a bundle or the folder that holds one. Raises InvalidBundle with its findings."""
    if not isinstance(bundle, Bundle):
        bundle = open_folder(_path(bundle))
    return build(
        pb.PushVersionRequest,
        bundle=bundle_to_message(bundle),
        author=author,
        message=message,
        validate_only=bool(validate_only),
    )


def open_folder(folder: Path) -> Bundle:
    """Return the bundle in ``folder``. Raises InvalidBundle with its findings if it is not well formed."""
    bundle, findings = read_folder(folder)
    if bundle is None:
        raise InvalidBundle(f"{folder} is not a well-formed bundle", findings=findings, advice=_first_advice(findings))
    return bundle


def version_request(task: str, version: int | None, alias: str | None) -> pb.GetVersionRequest:
    """Return the request for one version; "production" where neither number nor alias is given."""
    return build(pb.GetVersionRequest, task=task, **_selected(version, alias))


def download_request(task: str, version: int | None, alias: str | None) -> pb.DownloadBundleRequest:
    """Return the request for a bundle; "production" where neither number nor alias is given."""
    return build(pb.DownloadBundleRequest, task=task, **_selected(version, alias))


def set_alias_request(
    task: str, alias: str, version: int, actor: str, reason: str, override: bool, expected_version: int | None
) -> pb.SetAliasRequest:
    """Return the request that moves an alias."""
    return build(
        pb.SetAliasRequest,
        task=task,
        alias=alias,
        version=version_number(version),
        actor=actor,
        reason=reason,
        override_gate=bool(override),
        expected_version=expected_version,
    )


def delete_alias_request(task: str, alias: str, actor: str, reason: str) -> pb.DeleteAliasRequest:
    """Return the request that removes an alias."""
    return build(pb.DeleteAliasRequest, task=task, alias=alias, actor=actor, reason=reason)


def rollback_request(
    task: str, alias: str, actor: str, reason: str, expected_version: int | None
) -> pb.RollbackRequest:
    """Return the request that moves an alias back."""
    return build(
        pb.RollbackRequest, task=task, alias=alias, actor=actor, reason=reason, expected_version=expected_version
    )


def versions_request(task: str) -> pb.ListVersionsRequest:
    """Return the request for the first page of a task's versions."""
    return build(pb.ListVersionsRequest, task=task, page_size=PAGE_SIZE)


def aliases_request(task: str) -> pb.ListAliasesRequest:
    """Return the request for a task's aliases."""
    return build(pb.ListAliasesRequest, task=task)


def history_request(task: str, alias: str, limit: int) -> pb.ListAliasHistoryRequest:
    """Return the request for the first page of an alias's history."""
    wanted = whole_number(limit, "limit")
    if wanted < 0:
        raise InvalidRequest("limit takes a number of moves, 0 or more", advice="correct it", field="limit")
    return build(pb.ListAliasHistoryRequest, task=task, alias=alias, page_size=min(wanted, PAGE_SIZE))


def watch_request(tasks: Sequence[str], revision: int, incarnation: str) -> pb.WatchRequest:
    """Return the request that watches from a revision of an incarnation on."""
    names = items(tasks, "tasks", "one name")
    return build(pb.WatchRequest, tasks=names, since_revision=revision, since_incarnation=incarnation)


def read_version(message: pb.Version) -> results.Version:
    """Return the version."""
    return results.Version(
        task=message.task,
        number=message.number,
        digest=message.digest,
        created_at=moment_from_message(message.created_at),
        author=message.author,
        message=message.message,
        programs=tuple(message.programs),
        labels=tuple(message.labels),
        aliases=tuple(message.aliases),
    )


def read_alias(message: pb.Alias) -> Alias:
    """Return the alias."""
    return Alias(message.task, message.name, message.version, message.digest, message.revision)


def read_task(message: pb.Task) -> results.TaskEntry:
    """Return the task's entry."""
    latest = read_version(message.latest) if message.HasField("latest") else None
    return results.TaskEntry(message.name, latest, tuple(read_alias(alias) for alias in message.aliases))


def read_change(message: pb.AliasChange) -> AliasChange:
    """Return the change."""
    return AliasChange(
        revision=message.revision,
        task=message.task,
        alias=message.alias,
        from_version=message.from_version,
        to_version=message.to_version,
        changed_at=moment_from_message(message.changed_at),
        actor=message.actor,
        reason=message.reason,
        overridden=message.overridden,
        rollback=message.rollback,
    )


def read_push(message: pb.PushVersionResponse) -> results.PushResult:
    """Return what became of the push."""
    version = read_version(message.version) if message.HasField("version") else None
    return results.PushResult(version, report_from_message(message.report), message.created)


def read_set_alias(message: pb.SetAliasResponse) -> results.AliasMove:
    """Return the move."""
    return results.AliasMove(
        read_alias(message.alias), message.changed, gates=tuple(gate_from_message(gate) for gate in message.gates)
    )


def read_rollback(message: pb.RollbackResponse) -> results.AliasMove:
    """Return the move."""
    return results.AliasMove(read_alias(message.alias), from_version=message.from_version)


def read_download(message: pb.DownloadBundleResponse) -> results.Download:
    """Return the bundle. Raises CorruptArtifact if it does not match the digest."""
    try:
        bundle, _ = bundle_from_message(message.bundle)
    except InvalidBundle as error:
        raise CorruptArtifact("the registry sent a bundle that is not well formed") from error
    if bundle.digest != message.version.digest:
        raise CorruptArtifact(
            "the bundle that the registry sent does not match its digest",
            advice="the connection or the registry's storage is damaged",
            digest=message.version.digest,
        )
    reference = reference_from_message(message.reference) if message.HasField("reference") else None
    return results.Download(read_version(message.version), bundle, reference)


def read_watch(message: pb.WatchResponse) -> results.AliasState:
    """Return the state or the change."""
    return results.AliasState(
        message.revision,
        message.full,
        tuple(read_alias(alias) for alias in message.aliases),
        tuple(read_alias(alias) for alias in message.removed),
        message.registry,
        message.incarnation,
    )


def _path(folder: Path | str) -> Path:
    try:
        path = Path(folder)
        os.fsencode(path)  # half of a surrogate pair is no part of a file's name
    except (TypeError, ValueError) as error:
        raise InvalidRequest(
            "bundle takes a Bundle, or the path of a folder", advice='for example "my-bundle"', field="bundle"
        ) from error
    return path


def _selected(version: int | None, alias: str | None) -> dict[str, object]:
    if version is not None and alias is not None:
        raise InvalidRequest("a version and an alias were given", advice="name one of the two")
    return {"alias": alias or PRODUCTION} if version is None else {"version": version_number(version)}


def _first_advice(findings: list[Finding]) -> str:
    return next((f"{finding} ({finding.advice})" if finding.advice else str(finding) for finding in findings), "")
