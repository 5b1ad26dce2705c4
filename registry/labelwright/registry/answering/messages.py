"""Versions, aliases and their changes as the contract's messages."""

from __future__ import annotations

from labelwright.core.alias import Alias, AliasChange
from labelwright.core.wire.messages import moment_to_message
from labelwright.registry.changes.feed import Update
from labelwright.registry.store.versions import StoredVersion
from labelwright.v1 import registry_service_pb2 as pb


def version_to_message(version: StoredVersion) -> pb.Version:
    """Return the message."""
    return pb.Version(
        task=version.task,
        number=version.number,
        digest=version.digest,
        created_at=moment_to_message(version.created_at),
        author=version.author,
        message=version.message,
        programs=version.programs,
        labels=version.labels,
        aliases=version.aliases,
    )


def files_to_message(files: dict[str, bytes]) -> pb.Bundle:
    """Return the message that carries a bundle's files."""
    return pb.Bundle(files=[pb.BundleFile(path=path, content=files[path]) for path in sorted(files)])


def alias_to_message(alias: Alias) -> pb.Alias:
    """Return the message."""
    return pb.Alias(
        task=alias.task, name=alias.name, version=alias.version, digest=alias.digest, revision=alias.revision
    )


def change_to_message(change: AliasChange) -> pb.AliasChange:
    """Return the message."""
    return pb.AliasChange(
        revision=change.revision,
        task=change.task,
        alias=change.alias,
        from_version=change.from_version,
        to_version=change.to_version,
        changed_at=moment_to_message(change.changed_at),
        actor=change.actor,
        reason=change.reason,
        overridden=change.overridden,
        rollback=change.rollback,
    )


def update_to_message(update: Update) -> pb.WatchResponse:
    """Return the message."""
    return pb.WatchResponse(
        revision=update.revision,
        full=update.full,
        aliases=[alias_to_message(alias) for alias in update.aliases],
        removed=[alias_to_message(alias) for alias in update.removed],
        registry=update.identity.registry,
        incarnation=update.identity.incarnation,
    )
