"""What the project's texts say: links that lead somewhere, and nothing about the place where it was written."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.parts.repository import ROOT
from tests.project.tracked import texts

# In parts, so that this file does not name them.
REGISTRIES = [
    "pypi" + ".org",
    "pythonhosted" + ".org",
    "npmjs" + ".org",
    "registry" + ".npmjs",
    "docker" + ".io",
    "ghcr" + ".io",
    "quay" + ".io",
    "gcr" + ".io",
    "pkg" + ".dev",
    "crates" + ".io",
    "proxy.golang" + ".org",
    "deb.debian" + ".org",
]
HOMES = ["/home" + "/", "/Users" + "/"]
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)|!\[[^\]]*\]\(([^)\s]+)\)")


FORMER_NAME = "as" + "say"


def test_the_former_name_of_the_project_is_gone() -> None:
    assert [str(path) for path, text in texts() if FORMER_NAME in f"{path} {text}".lower()] == []


@pytest.mark.parametrize("word", [*REGISTRIES, *HOMES])
def test_no_file_names(word: str) -> None:
    assert [str(path) for path, text in texts() if word in text] == []


def without_code(text: str) -> str:
    return re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)


def links() -> list[tuple[Path, str]]:
    return [
        (path, target or image)
        for path, text in texts(".md")
        for target, image in LINK.findall(without_code(text))
        if not re.match(r"[a-z]+:", target or image)
    ]


def anchors(page: Path) -> set[str]:
    """Return the anchors of the page's headings, as hosting sites make them."""
    headings = re.findall(r"^#+\s+(.*)$", re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


def test_every_link_leads_somewhere() -> None:
    broken = []
    for page, target in links():
        file, _, anchor = target.partition("#")
        aim = (ROOT / page.parent / unquote(file)).resolve() if file else ROOT / page
        found = aim.exists() and aim.is_relative_to(ROOT)
        if not found or (anchor and aim.suffix == ".md" and anchor not in anchors(aim)):
            broken.append(f"{page}: {target}")
    assert broken == []


def test_every_page_of_the_docs_that_the_code_names_exists() -> None:
    named = {
        (name, str(path)) for path, text in texts(".py", ".proto") for name in re.findall(r"docs/[\w/-]+\.md", text)
    }
    assert [f"{path}: {name}" for name, path in sorted(named) if not (ROOT / name).exists()] == []


def test_every_page_is_linked_from_another() -> None:
    pages = {path for path, _ in texts(".md") if path.parts[0] == "docs" and path.parts[1] != "adr"}
    linked = {(ROOT / page.parent / target.partition("#")[0]).resolve() for page, target in links()}
    assert [str(page) for page in sorted(pages) if (ROOT / page).resolve() not in linked] == []


def test_decisions_are_numbered_and_complete() -> None:
    decisions = sorted(ROOT.glob("docs/adr/*.md"))
    numbers = [path.name[:4] for path in decisions]
    assert len(set(numbers)) == len(numbers)
    for path in decisions:
        text = path.read_text()
        missing = [part for part in ("Status", "Context", "Decision", "Consequences") if f"## {part}" not in text]
        assert missing == [], path.name
