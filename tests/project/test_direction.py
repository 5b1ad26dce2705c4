"""Dependencies run in one direction: a package knows those before it and none after it."""

from __future__ import annotations

import ast

import pytest

from tests.project.tracked import ROOT

MAY_IMPORT = {
    "core": {"v1"},
    "sandbox": {"v1", "core"},
    "registry": {"v1", "core", "sandbox"},
    "service": {"v1", "core", "sandbox"},
    "synthesis": {"v1", "core", "sandbox", "registry"},
    "client": {"v1", "core"},
    "worker": {"v1", "core", "sandbox", "registry", "synthesis", "client"},
    "features": {"core"},
    "cli": {"v1", "core", "sandbox", "registry", "synthesis", "client", "worker", "features"},
}


def imported(source: str) -> set[str]:
    """Return the packages of Labelwright that the source imports, inside functions too."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name.split(".")[1] for name in names if name.startswith("labelwright.")}


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_a_package_imports_only_those_before_it(package: str) -> None:
    files = list(ROOT.glob(f"*/labelwright/{package}/**/*.py"))
    assert files
    wrong = {
        f"{path.relative_to(ROOT)}: labelwright.{other}"
        for path in files
        for other in imported(path.read_text(encoding="utf-8")) - MAY_IMPORT[package] - {package}
    }
    assert wrong == set()
