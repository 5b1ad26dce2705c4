"""Bundles on disk, by digest. A file is there whole or not at all, and is checked against its name when it is read."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import secrets
import time
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Protocol

import structlog
from google.protobuf.message import DecodeError
from labelwright.core.bundle import digest_files
from labelwright.core.errors import CorruptArtifact, StorageFull
from labelwright.registry.store.database import Database
from labelwright.registry.store.models import VersionRow
from labelwright.v1 import registry_service_pb2
from sqlalchemy import select, text
from typing_extensions import override

_log = structlog.get_logger(__name__)
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_SUFFIX, _PART = ".bundle", ".part"
_NAME = re.compile(r"[0-9a-f]{64}\.bundle")


class ArtifactStore(Protocol):
    """Keeps bundles by digest. The interface behind which an object store would fit."""

    def put(self, digest: str, files: dict[str, bytes]) -> None:
        """Keep the bundle, unless it is there and intact. Raises StorageFull; then nothing of it is left."""
        ...

    def get(self, digest: str) -> dict[str, bytes]:
        """Return the bundle's files. Raises CorruptArtifact where they are missing or do not match the digest."""
        ...

    def sweep(self, keep: Collection[str], older_than: float) -> int:
        """Remove bundles that are not in ``keep`` and were put over ``older_than`` seconds ago; return how many."""
        ...


class FolderArtifacts(ArtifactStore):
    """An ArtifactStore in a folder that all registry processes of one database share.

    A file is the contract's Bundle message, its files sorted by path: the digest is over the files, not the message.
    """

    def __init__(self, folder: Path) -> None:
        """Make the folder where it is missing. Raises OSError where it cannot be written."""
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        with self._part() as (_, part):
            part.unlink()
        self._remove_parts()

    @override
    def put(self, digest: str, files: dict[str, bytes]) -> None:
        path = self._path(digest)
        with contextlib.suppress(CorruptArtifact, FileNotFoundError):
            self.get(digest)
            # A sweep that is running spares what was put recently.
            os.utime(path)
            return
        try:
            self._write(path, _encode(files))
        except OSError as error:
            if error.errno in _FULL:
                raise StorageFull(
                    "the registry's data folder has no room left; nothing was kept",
                    advice="free disk space on the registry's machine, then push again",
                ) from error
            raise

    @override
    def get(self, digest: str) -> dict[str, bytes]:
        try:
            content = self._path(digest).read_bytes()
        except FileNotFoundError as error:
            raise _corrupt(digest, "is missing") from error
        except OSError as error:
            raise _corrupt(digest, f"cannot be read ({error.strerror})") from error
        files = _decode(content)
        if files is None or digest_files(files) != digest:
            raise _corrupt(digest, "does not match its digest")
        return files

    @override
    def sweep(self, keep: Collection[str], older_than: float) -> int:
        kept_names = {self._path(digest).name for digest in keep}
        limit = time.time() - older_than
        count = 0
        for path in self._folder.iterdir():
            if _NAME.fullmatch(path.name) and path.name not in kept_names and path.stat().st_mtime < limit:
                path.unlink(missing_ok=True)
                count += 1
        return count

    def _path(self, digest: str) -> Path:
        return self._folder / f"{digest.removeprefix('sha256:')}{_SUFFIX}"

    def _write(self, path: Path, content: bytes) -> None:
        with self._part() as (descriptor, part):
            try:
                _write_all(descriptor, content)
                os.fsync(descriptor)
                part.rename(path)
            except BaseException:
                part.unlink(missing_ok=True)
                raise
        _sync_folder(self._folder)

    @contextlib.contextmanager
    def _part(self) -> Iterator[tuple[int, Path]]:
        """Open a new temporary file, locked for as long as its writer lives."""
        while True:
            path = self._folder / f"{secrets.token_hex(8)}{_PART}"
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o640)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                # Between the two calls a starting process may have removed it as a dead writer's.
                if os.fstat(descriptor).st_nlink:
                    yield descriptor, path
                    return
            finally:
                os.close(descriptor)

    def _remove_parts(self) -> None:
        """Remove what killed writers left behind: files whose lock nobody holds."""
        for path in self._folder.glob(f"*{_PART}"):
            with contextlib.suppress(OSError), path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()


def sweep_orphans(database: Database, artifacts: ArtifactStore, older_than: float) -> int:
    """Remove artifacts that no version names: left by pushes that were killed before their row was written.

    Spares those that were put within ``older_than`` seconds, and returns how many were removed. No version can be added
    meanwhile: a push whose content was removed stores it again under its row's lock.
    """
    with database.writing() as session:
        if database.is_postgres:
            session.execute(text("LOCK TABLE versions IN SHARE ROW EXCLUSIVE MODE"))
        count = artifacts.sweep(set(session.scalars(select(VersionRow.digest))), older_than)
    if count:
        _log.info("orphans removed", artifacts=count)
    return count


def _encode(files: dict[str, bytes]) -> bytes:
    message = registry_service_pb2.Bundle(
        files=[registry_service_pb2.BundleFile(path=path, content=files[path]) for path in sorted(files)]
    )
    return message.SerializeToString(deterministic=True)


def _decode(content: bytes) -> dict[str, bytes] | None:
    try:
        message = registry_service_pb2.Bundle.FromString(content)
    except DecodeError:
        return None
    return {file.path: file.content for file in message.files}


def _write_all(descriptor: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _corrupt(digest: str, what: str) -> CorruptArtifact:
    return CorruptArtifact(
        f"the stored bundle {digest} {what}; it is not served",
        advice="push the same bundle again, which stores it anew, or restore the data folder from a backup",
        digest=digest,
    )
