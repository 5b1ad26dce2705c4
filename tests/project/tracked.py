"""The files that belong to the project: what git tracks or would track; all but hidden ones where there is no git."""

from __future__ import annotations

import subprocess
import tomllib
from functools import lru_cache
from pathlib import Path

from tests.parts.repository import ROOT


@lru_cache
def folders() -> tuple[str, ...]:
    """Return the folders of the code in the order in which they may import each other, as pyproject.toml names them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return tuple(project["tool"]["hatch"]["build"]["dev-mode-dirs"])


@lru_cache
def tracked() -> tuple[Path, ...]:
    """Return every file of the project."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        return tuple(path for path in ROOT.rglob("*") if path.is_file() and not _made(path.relative_to(ROOT)))
    return tuple(path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file())


def _made(path: Path) -> bool:
    return any(part.startswith(".") or part in ("__pycache__", "node_modules") for part in path.parts)


def texts(*suffixes: str) -> list[tuple[Path, str]]:
    """Return the project's text files with their content, of these suffixes only where any are named."""
    found = []
    for path in tracked():
        if suffixes and path.suffix not in suffixes:
            continue
        content = path.read_bytes()
        if b"\0" not in content:
            found.append((path.relative_to(ROOT), content.decode("utf-8", errors="replace")))
    return found
