"""Fetches bundles from the local disk, or else from the registry, and checks each against its digest."""

from __future__ import annotations

import time
from typing import TypeVar

import structlog
from labelwright.core.errors import CorruptArtifact, DeadlineExceeded, NotFound, Unavailable
from labelwright.service.registry_link import RegistryLink
from labelwright.service.target import VersionTarget
from labelwright.service.versions.bundle_store import BundleStore, check_digest
from labelwright.v1 import registry_service_pb2 as pb

_log = structlog.get_logger(__name__)
_MISSING_SECONDS = 5.0
_MAX_REMEMBERED = 4096
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class BundleFetcher:
    """Fetches bundles and keeps them. Safe to use from several threads."""

    def __init__(self, store: BundleStore, registry: RegistryLink) -> None:
        self._store = store
        self._registry = registry
        self._numbers: dict[tuple[str, int], VersionTarget] = {}
        self._missing: dict[tuple[str, int], tuple[float, NotFound]] = {}
        self._incarnation = ""

    def follow(self, incarnation: str) -> None:
        """Take numbers from this incarnation of the registry only; empty where it is not known.

        What numbers named before is forgotten: a registry that was restored gives them again.
        """
        if self._incarnation not in ("", incarnation):
            self._store.forget_numbers()
        self._incarnation = incarnation
        self._numbers = {}
        self._missing = {}

    def fetch(self, target: VersionTarget) -> pb.DownloadBundleResponse:
        """Return the target's bundle. Raises LabelwrightError: what the registry says, or CorruptArtifact."""
        try:
            on_disk = self._store.read(target.digest)
        except CorruptArtifact:
            _log.error("stored bundle is corrupt; fetching it again", task=target.task, digest=target.digest)
            on_disk = None
        if on_disk is not None:
            return on_disk
        download = self._registry.download_digest(target.task, target.digest)
        check_digest(download, target.digest)
        self._keep(download, target)
        return download

    def find(self, task: str, number: int) -> VersionTarget:
        """Return which version a number names; in one incarnation of a registry that never changes.

        Raises NotFound, Unavailable. The registry is asked first, the disk where it is unavailable or not the one that
        is followed. A number that does not exist is remembered for a
        few seconds, so that callers cannot make this service flood the registry. ``task`` must be a valid name.
        """
        key = (task, number)
        # These dicts: what is found now is not written into those of another incarnation.
        numbers, missing = self._numbers, self._missing
        if remembered := numbers.get(key):
            return remembered
        since, failure = missing.get(key, (0.0, None))
        if failure and time.monotonic() - since < _MISSING_SECONDS:
            raise failure.with_traceback(None)
        try:
            target = self._download(task, number)
        except NotFound as error:
            _bounded(missing)[key] = (time.monotonic(), error)
            raise
        except (Unavailable, DeadlineExceeded):
            on_disk = self._store.find(task, number)
            if on_disk is None:
                raise
            target = on_disk
        _bounded(numbers)[key] = target
        return target

    def _download(self, task: str, number: int) -> VersionTarget:
        download = self._registry.download_number(task, number)
        if self._incarnation not in ("", download.incarnation):
            raise Unavailable(
                "the registry is not the one that is followed", advice="ask again, or look at the registry"
            )
        target = VersionTarget(task, number, download.version.digest)
        check_digest(download, target.digest)
        self._keep(download, target)
        return target

    def _keep(self, download: pb.DownloadBundleResponse, target: VersionTarget) -> None:
        try:
            self._store.write(download, target.digest)
            self._store.write_number(target)
        except OSError as error:
            # Serving matters more, though this version will be missing after a restart without the registry.
            _log.error("cannot keep a bundle on disk", digest=target.digest, error=error.strerror)


def _bounded(memory: dict[_Key, _Value]) -> dict[_Key, _Value]:
    if len(memory) >= _MAX_REMEMBERED:
        memory.clear()
    return memory
