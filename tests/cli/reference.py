"""The help of every command as docs/cli.md shows it. Run as a script, it puts the present help there."""

from __future__ import annotations

import re
import sys

from labelwright.cli.main import app
from typer.testing import CliRunner

from tests.parts.repository import ROOT

PAGE = ROOT / "docs" / "cli.md"
_BLOCK = re.compile(r"```text\n(Usage: (labelwright[a-z ]*?) (?:\[OPTIONS\]).*?)```", re.DOTALL)


def help_of(command: str) -> str:
    """Return what "labelwright …" prints with --help, on a terminal of 100 columns."""
    words = [*command.split()[1:], "--help"]
    result = CliRunner().invoke(app, words, prog_name="labelwright", env={"COLUMNS": "100", "NO_COLOR": "1"})
    return "".join(f"{line.rstrip()}\n" for line in result.stdout.splitlines())


def commands() -> list[str]:
    """Return all commands, by the names that people type."""
    found = ["labelwright", *(f"labelwright {item.name}" for item in app.registered_commands)]
    for group in app.registered_groups:
        assert group.typer_instance
        found.append(f"labelwright {group.name}")
        found += [f"labelwright {group.name} {item.name}" for item in group.typer_instance.registered_commands]
    return found


def blocks(text: str) -> dict[str, str]:
    """Return the help blocks of a page, by command."""
    return {found[2]: found[1] for found in _BLOCK.finditer(text)}


def refreshed(text: str) -> str:
    """Return the page with the present help in its blocks."""
    return _BLOCK.sub(lambda found: f"```text\n{help_of(found[2])}```", text)


if __name__ == "__main__":
    PAGE.write_text(refreshed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    sys.exit(0)
