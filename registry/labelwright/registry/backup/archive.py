"""The form of a backup: a zip file with a manifest that names every other entry with its SHA-256.

``rows/TABLE.jsonl`` holds a table, one JSON object a row; ``artifacts/DIGEST.bundle`` is a bundle as it is stored.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, BinaryIO

from labelwright.core.errors import ConfigurationError, CorruptArtifact
from pydantic import Field, TypeAdapter

FORMAT = "labelwright backup 1"
_MANIFEST = "manifest.json"
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup is of, and what it holds.

    ``step`` is the database's step of migration, ``rows`` the number of rows by table, ``entries`` the SHA-256 by name
    of every entry but the manifest.
    """

    made_at: str
    registry: str
    incarnation: str
    step: Annotated[str, Field(pattern=r"^\d{4}$")]
    rows: dict[str, int]
    entries: dict[str, str]


class ArchiveWriter:
    """Writes entries one after the other, the manifest last."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self.entries: dict[str, str] = {}

    def write(self, name: str, pieces: Iterable[bytes]) -> int:
        """Write an entry, and return how many pieces it had."""
        digest, count = hashlib.sha256(), 0
        with self._archive.open(name, "w", force_zip64=True) as entry:
            for piece in pieces:
                entry.write(piece)
                digest.update(piece)
                count += 1
        self.entries[name] = digest.hexdigest()
        return count

    def finish(self, manifest: Manifest) -> None:
        """Write the manifest."""
        self._archive.writestr(_MANIFEST, json.dumps({"format": FORMAT, **asdict(manifest)}, indent=1))


@contextmanager
def archive_writer(file: BinaryIO) -> Iterator[ArchiveWriter]:
    """Open a new archive in ``file``."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        yield ArchiveWriter(archive)


class ArchiveReader:
    """Reads a backup. What it returns was checked; raises CorruptArtifact where it is damaged."""

    def __init__(self, archive: zipfile.ZipFile, name: str) -> None:
        """``name`` is the backup's, for people. Raises ConfigurationError where this is no backup."""
        self._archive = archive
        self._name = name
        try:
            content = json.loads(archive.read(_MANIFEST))
            if content.pop("format") != FORMAT:
                raise ConfigurationError(f"{name} is a backup of a form that this release does not know")
            self.manifest = TypeAdapter(Manifest).validate_python(content)
        except _UNREADABLE as error:
            raise no_backup(name) from error

    def verify(self) -> None:
        """Read every entry and compare it with the manifest."""
        for name, expected in self.manifest.entries.items():
            digest = hashlib.sha256()
            for piece in self._pieces(name):
                digest.update(piece)
            if digest.hexdigest() != expected:
                raise self.damaged(name)

    def names(self, folder: str) -> list[str]:
        """Return the names of the entries below ``folder``."""
        return [name for name in self.manifest.entries if name.startswith(f"{folder}/")]

    def read(self, name: str) -> bytes:
        """Return an entry's content."""
        return b"".join(self._pieces(name))

    def lines(self, name: str) -> Iterator[bytes]:
        """Yield an entry's lines."""
        with self._translated(name), self._archive.open(name) as entry:
            yield from entry

    def damaged(self, entry: str) -> CorruptArtifact:
        """Return the error that says so."""
        return CorruptArtifact(f"the backup {self._name} is damaged at {entry}", advice="take another backup")

    def _pieces(self, name: str) -> Iterator[bytes]:
        with self._translated(name), self._archive.open(name) as entry:
            while piece := entry.read(_PIECE):
                yield piece

    @contextmanager
    def _translated(self, name: str) -> Iterator[None]:
        try:
            yield
        except _UNREADABLE as error:
            raise self.damaged(name) from error


@contextmanager
def archive_reader(path: Path) -> Iterator[ArchiveReader]:
    """Open a backup. Raises ConfigurationError where the file is none, or not whole."""
    try:
        archive = zipfile.ZipFile(path)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror or error}", advice="name a backup") from None
    except _UNREADABLE as error:
        raise no_backup(str(path)) from error
    with archive:
        yield ArchiveReader(archive, str(path))


def no_backup(name: str) -> ConfigurationError:
    """Return the error that says so."""
    return ConfigurationError(f"{name} is no backup of a registry, or not whole", advice="take another backup")


# Reading a zip file that is damaged, encrypted or compressed in another way; and JSON that is none, or another's.
_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    KeyError,
    ValueError,
    TypeError,
    AttributeError,
)
