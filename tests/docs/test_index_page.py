"""docs/index.md is true: it names every page, folder and group, and each function is in the file beside it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.parts.repository import ROOT
from tests.project.tracked import folders

DOCS = ROOT / "docs"
PAGE = (DOCS / "index.md").read_text(encoding="utf-8")


def section(heading: str) -> str:
    found = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, heading
    return found[1]


def groups() -> list[str]:
    """Return every group as the page writes it: its package and its name."""
    packages = [package for folder in folders() for package in (ROOT / folder).glob("labelwright/*")]
    found = [path for package in packages for path in package.glob("*/__init__.py")]
    return sorted("/".join(path.parts[-3:-1]) for path in found)


def functions() -> list[tuple[str, Path]]:
    """Return each function that the page says where to find, by its dotted name, with the file that it points to."""
    rows = re.findall(r"^\|[^|]*\|([^|]*)\| \[[^]]*\]\(([^)]*\.py)\) \|$", section("Where is …"), re.MULTILINE)
    return [(name, (DOCS / file).resolve()) for names, file in rows for name in re.findall(r"`([^`]+)`", names)]


def defined(file: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        match node:
            case ast.ClassDef():
                inside = [part.name for part in node.body if isinstance(part, ast.FunctionDef)]
                attributes = re.findall(r"self\.(\w+) =", ast.unparse(node))
                names |= {node.name, *(f"{node.name}.{name}" for name in [*inside, *attributes])}
            case ast.FunctionDef():
                names.add(node.name)
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                names.add(name)
    return names


def test_every_page_is_on_it() -> None:
    pages = {path.name for path in DOCS.glob("*.md")} - {"index.md"}
    assert pages - set(re.findall(r"\]\((\w[\w-]*\.md)", section("Pages by reader"))) == set()


def test_the_folders_stand_in_their_order() -> None:
    named = re.findall(r"^\| `(\w+)` \|", section("Where it is in the code"), re.MULTILINE)
    assert [name for name in named if name in folders()] == list(folders())


def test_every_group_is_on_it_and_nothing_else() -> None:
    assert sorted(re.findall(r"^\| `(\w+/\w+)` \|", section("Where it is in the code"), re.MULTILINE)) == groups()


@pytest.mark.parametrize(("name", "file"), functions(), ids=[name for name, _ in functions()])
def test_a_function_is_where_the_page_says(name: str, file: Path) -> None:
    assert name in defined(file)


def test_the_four_ways_into_the_code_are_on_it() -> None:
    named = {name for name, _ in functions()}
    assert {"LoadedProgram.vote", "ProgramPrompts.program", "Promotion.move", "Opener.consider"} <= named
