"""Dependencies run in one direction: between folders, between packages, and between the groups inside a package."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.parts.repository import ROOT
from tests.project.tracked import folders

# Where folders alone would allow too much: a label service runs without the registry's package, and the SDK is small.
KNOWS_ONLY = {
    "service": {"v1", "core", "serving", "sandbox", "service"},
    "client": {"v1", "core", "client"},
    "features": {"core", "features"},
}

# From the ground up, the groups of each package and the modules that stand in none; a level may import those before it.
# Modules of one level may import each other.
LEVELS = {
    "core": [
        "text",
        "finding vote alias errors task caps record row label_model recent run report bundle origin",
        "machine",
        "wire",
    ],
    "serving": [
        "logs stop_signal backoff addresses data_folder redis_refusal",
        "settings background",
        "http_listener",
        "access",
        "rpc_server",
        "monitoring main",
    ],
    "sandbox": [
        "guest static_checks build",
        "host",
        "backend",
        "tracing sandbox labeler failures made_up determinism export",
    ],
    "registry": ["settings metrics", "acceptance", "store", "backup", "changes", "answering", "runs", "app"],
    "service": [
        "settings target answer backlog breaker cost metrics registry_link",
        *("versions", "caches", "recent", "shadow", "following", "answering", "processes"),
    ],
    "client": [
        "calling",
        "messages",
        "stream watching label_client registry_client run_client async_label_client async_registry_client",
    ],
    "features": ["extractor onnx_text encoder"],
    "synthesis": [
        "arrays templates text",
        "rows",
        *("llm", "asking", "repair", "writing", "statistics", "authoring", "learning", "combining", "pilot"),
        "settings app",
    ],
    "worker": [
        "settings metrics prometheus significance drift observed decision policy",
        *("runs", "steps", "dispatch"),
        "app",
    ],
    "cli": [
        "exits extras options screen version_names command_name progress",
        *("rows", "labeling", "views", "servers", "commands"),
        "main",
    ],
}


def modules(package: str) -> list[Path]:
    found = sorted(path for folder in folders() for path in ROOT.glob(f"{folder}/labelwright/{package}/**/*.py"))
    assert found
    return found


def imported(path: Path) -> Iterator[tuple[str, ...]]:
    """Yield what a module imports of the project, inside functions too: package, group or module, and so on."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            if name.startswith("labelwright."):
                yield tuple(name.split(".")[1:])


def home(path: Path) -> str:
    """Return the group of a module, or its own name where it stands in none."""
    inside = path.relative_to(ROOT).parts[3:]
    return inside[0].removesuffix(".py")


PACKAGES = {
    path.name: place
    for place, folder in enumerate(folders())
    for path in ROOT.glob(f"{folder}/labelwright/*")
    if path.is_dir() and path.name != "__pycache__"
}


def test_every_package_has_its_levels() -> None:
    assert set(LEVELS) == set(PACKAGES) - {"v1"}


@pytest.mark.parametrize("package", LEVELS)
def test_a_package_imports_only_folders_before_its_own(package: str) -> None:
    allowed = KNOWS_ONLY.get(package) or {name for name, place in PACKAGES.items() if place <= PACKAGES[package]}
    wrong = [
        f"{path.relative_to(ROOT)}: labelwright.{'.'.join(name)}"
        for path in modules(package)
        for name in imported(path)
        if name[0] not in allowed
    ]
    assert wrong == []


@pytest.mark.parametrize("package", LEVELS)
def test_a_group_imports_only_groups_before_it(package: str) -> None:
    level = {name: place for place, names in enumerate(LEVELS[package]) for name in names.split()}
    level |= {"__init__": len(level), "__main__": len(level)}
    assert sorted({home(path) for path in modules(package)} - set(level)) == [], "say at which level it stands"
    wrong = [
        f"{path.relative_to(ROOT)}: labelwright.{'.'.join(name)}"
        for path in modules(package)
        for name in imported(path)
        if name[0] == package and level.get(name[1], -1) > level[home(path)]
    ]
    assert wrong == []


@pytest.mark.parametrize("package", LEVELS)
def test_no_folder_is_a_crowd(package: str) -> None:
    """A reader takes in about a dozen modules at a glance."""
    crowds = {
        str(folder.relative_to(ROOT)): count
        for folder in {path.parent for path in modules(package)}
        if (count := sum(path.name != "__init__.py" for path in folder.glob("*.py"))) > 14
    }
    assert crowds == {}
