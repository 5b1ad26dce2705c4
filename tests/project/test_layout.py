"""How the tests themselves stand: where a reader looks for them, and what they may lean on."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.parts.repository import ROOT
from tests.project.tracked import folders, tracked

PACKAGES = {
    path.name: path
    for folder in folders()
    for path in ROOT.glob(f"{folder}/labelwright/*")
    if path.is_dir() and path.name != "__pycache__"
}


def own_code() -> Iterator[Path]:
    return (
        path for path in tracked() if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in ("tests", "bench")
    )


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def test_nothing_is_imported_from_a_test_or_a_conftest() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}: {module}"
        for path in own_code()
        for module in imported(path)
        if re.search(r"(^|\.)(test_\w+|conftest)$", module)
    ]
    assert wrong == [], "what several tests use goes to tests/parts, or to a module of their folder"


def test_a_folder_of_tests_is_named_like_the_group_that_it_tests() -> None:
    homes = {path.parent.relative_to(ROOT / "tests") for path in own_code() if path.name.startswith("test_")}
    strange = [
        str(home)
        for home in homes
        if home.parts[0] in PACKAGES and not PACKAGES[home.parts[0]].joinpath(*home.parts[1:]).is_dir()
    ]
    assert strange == []
    assert {home.parts[0] for home in homes} >= set(PACKAGES) - {"v1"}


def test_the_place_of_the_repository_is_said_once() -> None:
    said = [str(path.relative_to(ROOT)) for path in own_code() if re.search(r"__file__.*\.parents\[", path.read_text())]
    assert said == ["tests/parts/repository.py"]
