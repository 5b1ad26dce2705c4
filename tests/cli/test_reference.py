from __future__ import annotations

import re

import pytest
from labelwright.cli.exits import MEANINGS

from tests.cli.reference import PAGE, blocks, commands, help_of


@pytest.mark.parametrize("command", commands())
def test_the_page_shows_the_real_help(command: str) -> None:
    shown = blocks(PAGE.read_text(encoding="utf-8")).get(command)
    assert shown == help_of(command), "bring it up to date: python -m tests.cli.reference"


def test_the_page_lists_the_exit_codes() -> None:
    rows = re.findall(r"^\| (\d+) \| (.+?) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert {int(code): meaning for code, meaning in rows} == {int(code): meaning for code, meaning in MEANINGS.items()}
