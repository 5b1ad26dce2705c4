from __future__ import annotations

from pathlib import Path

import pytest

from tests.parts.command import Command
from tests.parts.example_bundles import SPAM


def test_a_folder_becomes_a_component(labelwright: Command, tmp_path: Path) -> None:
    pytest.importorskip("componentize_py")
    component = tmp_path / "spam.wasm"
    document = labelwright.json("export", SPAM, component)
    assert document["bytes"] == component.stat().st_size
    assert component.read_bytes()[:4] == b"\0asm"
