"""The last good versions on local disk, so that the service starts and serves without the registry.

``bundles/<digest>.pb`` holds what the registry sent for a version, ``numbers/<task>@<number>`` the digest of the
version of that number, ``aliases.json`` which versions the aliases name.
Files appear whole or not at all; several processes may share the folder, as equal names have equal content.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Collection
from pathlib import Path

from google.protobuf.message import DecodeError
from labelwright.core.bundle import digest_files
from labelwright.core.errors import CorruptArtifact
from labelwright.core.machine.whole_file import write_whole
from labelwright.service.target import Aliases, VersionTarget
from labelwright.v1 import registry_service_pb2 as pb

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
STATE_FILE = "aliases.json"
_UNNAMED_KEPT = 32
"""Bundles that stay on disk though no alias names them: the newest ones."""


class BundleStore:
    """Reads and writes below ``folder``. Every method raises OSError where the disk fails."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._bundles = folder / "bundles"
        self._numbers = folder / "numbers"
        for path in (self._bundles, self._numbers):
            path.mkdir(parents=True, exist_ok=True)

    def read(self, digest: str) -> pb.DownloadBundleResponse | None:
        """Return what is stored under ``digest``, or None.

        A file that does not match the digest is removed; raises CorruptArtifact then.
        """
        path = self._path(digest)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        try:
            download = pb.DownloadBundleResponse.FromString(content)
            check_digest(download, digest)
        except (DecodeError, CorruptArtifact):
            path.unlink(missing_ok=True)
            raise CorruptArtifact(
                f"the stored bundle {digest} does not match its digest", advice="it is fetched again"
            ) from None
        return download

    def write(self, download: pb.DownloadBundleResponse, digest: str) -> None:
        """Keep a download that was checked against ``digest``."""
        write_whole(self._path(digest), download.SerializeToString())

    def write_number(self, target: VersionTarget) -> None:
        """Keep which version the target's number names."""
        write_whole(self._number_path(target.task, target.number), target.digest.encode())

    def find(self, task: str, number: int) -> VersionTarget | None:
        """Return which version a number names, or None where that was not kept. ``task`` must be a valid name."""
        try:
            digest = self._number_path(task, number).read_text()
        except (FileNotFoundError, UnicodeDecodeError):
            return None
        return VersionTarget(task, number, digest) if _DIGEST.fullmatch(digest) else None

    def read_aliases(self) -> Aliases | None:
        """Return the aliases that were kept last, or None where there are none or they cannot be read."""
        try:
            state = json.loads((self._folder / STATE_FILE).read_text())
            table: dict[str, dict[str, VersionTarget]] = {}
            for task, alias, number, digest in state["aliases"]:
                table.setdefault(task, {})[alias] = VersionTarget(str(task), int(number), str(digest))
            # An earlier release did not keep whose they are.
            identity = str(state.get("registry", "")), str(state.get("incarnation", ""))
            return Aliases(int(state["revision"]), table, *identity)
        except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None

    def write_aliases(self, aliases: Aliases) -> None:
        """Keep the aliases."""
        rows = [
            (task, alias, target.number, target.digest)
            for task, named in sorted(aliases.table.items())
            for alias, target in sorted(named.items())
        ]
        state = {
            "registry": aliases.registry,
            "incarnation": aliases.incarnation,
            "revision": aliases.revision,
            "aliases": rows,
        }
        write_whole(self._folder / STATE_FILE, json.dumps(state, indent=1).encode())

    def has_aliases(self) -> bool:
        """Return whether there is a file of aliases."""
        return (self._folder / STATE_FILE).exists()

    def forget_numbers(self) -> None:
        """Remove which versions the numbers name."""
        for path in self._numbers.iterdir():
            path.unlink(missing_ok=True)

    def prune(self, named: Collection[str]) -> None:
        """Remove bundles whose digest is not in ``named``, except for the newest few."""
        keep = {self._path(digest) for digest in named}
        unnamed = [path for path in self._bundles.glob("*.pb") if path not in keep]
        for path in sorted(unnamed, key=_age)[:-_UNNAMED_KEPT]:
            path.unlink(missing_ok=True)
        digests = {path.stem for path in self._bundles.glob("*.pb")}
        for path in self._numbers.iterdir():
            with contextlib.suppress(FileNotFoundError):
                if path.read_bytes().decode(errors="replace").removeprefix("sha256:") not in digests:
                    path.unlink()

    def _number_path(self, task: str, number: int) -> Path:
        return self._numbers / f"{task}@{number}"

    def _path(self, digest: str) -> Path:
        if not _DIGEST.fullmatch(digest):
            raise CorruptArtifact(f"{ascii(digest)[:80]} is not a digest")
        return self._bundles / f"{digest.removeprefix('sha256:')}.pb"


def check_digest(download: pb.DownloadBundleResponse, digest: str) -> None:
    """Raise CorruptArtifact where the bundle's content is not what ``digest`` names."""
    if digest_files({file.path: file.content for file in download.bundle.files}) != digest:
        raise CorruptArtifact(f"the bundle that came for {digest} does not match that digest")


def _age(path: Path) -> float:
    with contextlib.suppress(FileNotFoundError):
        return path.stat().st_mtime
    return 0.0
