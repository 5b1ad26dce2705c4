"""A folder that nobody else can write to, because its files are run."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from labelwright.core.errors import SandboxUnavailable

_OTHERS_WRITE = stat.S_IWOTH
_NOT_OWNER_WRITE = stat.S_IWOTH | stat.S_IWGRP


def open_trusted_folder(folder: Path) -> Path:
    """Return ``folder`` with its parents' links resolved; create it, for this user alone, where it is missing.

    Raises SandboxUnavailable if somebody else could change its content, OSError if it cannot be created.
    """
    parent = folder.parent.absolute()
    parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = parent.resolve() / folder.name
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if stat.S_ISLNK(status.st_mode) or not stat.S_ISDIR(status.st_mode):
        raise _refusal(folder, "is not a folder but a link or a file")
    _check_owner(folder, status)
    if status.st_mode & _NOT_OWNER_WRITE:
        raise _refusal(folder, "can be written to by others", f"run: chmod 700 {folder}")
    for ancestor in folder.parents:
        mode = ancestor.stat().st_mode
        # In a sticky folder such as /tmp only the owner of an entry can rename it.
        if mode & _OTHERS_WRITE and not mode & stat.S_ISVTX:
            raise _refusal(ancestor, "can be written to by everyone")
    return folder


def check_trusted_file(path: Path) -> None:
    """Raise SandboxUnavailable if ``path`` is a link or somebody else could change it, OSError if it is missing."""
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode):
        raise _refusal(path, "is not a plain file", f"remove {path}")
    _check_owner(path, status)
    if status.st_mode & _NOT_OWNER_WRITE:
        raise _refusal(path, "can be written to by others", f"remove {path}")


def _check_owner(path: Path, status: os.stat_result) -> None:
    if hasattr(os, "geteuid") and status.st_uid not in (os.geteuid(), 0):
        raise _refusal(path, "belongs to another user")


def _refusal(
    path: Path, problem: str, advice: str = "set LABELWRIGHT_CACHE_DIR to a folder of your own"
) -> SandboxUnavailable:
    return SandboxUnavailable(f"the sandbox does not use {path}: it {problem}", advice=advice)
