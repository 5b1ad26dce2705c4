from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.parts.command import Command
from tests.parts.example_bundles import SPAM, renamed
from tests.parts.repository import ROOT

PAGE = ROOT / "docs" / "ci.md"


def push_commands() -> list[str]:
    text = PAGE.read_text(encoding="utf-8")
    folded = re.findall(r"labelwright push labels/spam\n(?: +--.*\n)+", text)
    assert len(folded) == 2
    return [" ".join(command.split()) for command in folded]


@pytest.mark.parametrize("command", push_commands())
def test_the_shown_commands_push_and_promote(labelwright: Command, tmp_path: Path, command: str) -> None:
    bundle = renamed(SPAM, "fromci", tmp_path)
    words = [str(bundle) if word == "labels/spam" else word for word in shlex.split(command)[1:]]
    document = labelwright.json(*words)
    assert document["ok"]
    assert document["alias"]["name"] == "production"
