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
from labelwright.core.machine.whole_file import write_whole
from labelwright.registry.store.database import Database
from labelwright.registry.store.identity import read_identity
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

    @property
    def owner(self) -> str:
        """The identity of the registry that the bundles belong to; empty where that was never said."""
        ...

    def belong_to(self, registry: str) -> None:
        """Say which registry the bundles belong to."""
        ...

    def is_empty(self) -> bool:
        """Whether there is no bundle."""
        ...

    def sweep(self, keep: Collection[str], older_than: float, bin_seconds: float) -> int:
        """Move bundles that are not in ``keep`` and were put over ``older_than`` seconds ago to the bin.

        Removes what has been in the bin for over ``bin_seconds``, and takes back what is in ``keep``. Returns how many
        were moved.
        """
        ...


class FolderArtifacts(ArtifactStore):
    """An ArtifactStore in a folder that all registry processes of one database share.

    A file is the contract's Bundle message, its files sorted by path: the digest is over the files, not the message.
    Beside these stand the folder ``bin`` and the file ``registry``, which names the registry that they belong to.
    """

    def __init__(self, folder: Path) -> None:
        """Make the folder where it is missing. Raises OSError where it cannot be written."""
        self._folder = folder
        self._bin = folder / "bin"
        self._owner = folder / "registry"
        self._bin.mkdir(parents=True, exist_ok=True)
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
            self._write(path, encode_bundle(files))
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
        files = decode_bundle(content)
        if files is None or digest_files(files) != digest:
            raise _corrupt(digest, "does not match its digest")
        return files

    @property
    @override
    def owner(self) -> str:
        try:
            return self._owner.read_text().strip()
        except FileNotFoundError:
            return ""

    @override
    def belong_to(self, registry: str) -> None:
        write_whole(self._owner, f"{registry}\n".encode())

    @override
    def is_empty(self) -> bool:
        return not any(self._bundles(self._folder))

    @override
    def sweep(self, keep: Collection[str], older_than: float, bin_seconds: float) -> int:
        kept_names = {self._path(digest).name for digest in keep}
        now = time.time()
        for path in self._bundles(self._bin):
            if path.name in kept_names and not (self._folder / path.name).exists():
                path.rename(self._folder / path.name)
            elif path.stat().st_mtime < now - bin_seconds:
                path.unlink()
        count = 0
        for path in self._bundles(self._folder):
            if path.name not in kept_names and path.stat().st_mtime < now - older_than:
                os.utime(path)  # its time in the bin begins
                path.rename(self._bin / path.name)
                count += 1
        return count

    def _bundles(self, folder: Path) -> list[Path]:
        return [path for path in folder.iterdir() if _NAME.fullmatch(path.name)]

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


def sweep_orphans(database: Database, artifacts: ArtifactStore, older_than: float, bin_seconds: float) -> int:
    """Move artifacts that no version names to the bin: left by pushes that were killed before their row was written.

    Spares those that were put within ``older_than`` seconds, and returns how many were moved. Does nothing for a
    database that is empty, or another one than the artifacts belong to. No version can be added meanwhile: a push whose
    content was moved stores it again under its row's lock.
    """
    with database.writing() as session:
        if database.is_postgres:
            session.execute(text("LOCK TABLE versions IN SHARE ROW EXCLUSIVE MODE"))
        digests = set(session.scalars(select(VersionRow.digest)))
        registry = read_identity(session).registry
        # Artifacts of an earlier release name no owner: then they are this registry's if it has a version at all.
        if not artifacts.owner and (digests or artifacts.is_empty()):
            artifacts.belong_to(registry)
        if artifacts.owner != registry:
            _log.error(
                "nothing is swept: the artifacts are another registry's", registry=registry, owner=artifacts.owner
            )
            return 0
        count = artifacts.sweep(digests, older_than, bin_seconds) if digests else 0
    if count:
        _log.info("orphans moved to the bin", artifacts=count)
    return count


def encode_bundle(files: dict[str, bytes]) -> bytes:
    """Return the file of a bundle."""
    message = registry_service_pb2.Bundle(
        files=[registry_service_pb2.BundleFile(path=path, content=files[path]) for path in sorted(files)]
    )
    return message.SerializeToString(deterministic=True)


def decode_bundle(content: bytes) -> dict[str, bytes] | None:
    """Return the files of a bundle's file, None where it is none. Whoever calls this compares the digest."""
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
