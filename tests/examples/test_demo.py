from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from labelwright.core.bundle import read_folder

from tests.parts.repository import EXAMPLES

pytestmark = pytest.mark.servers


def without_endpoint() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("OPENAI_")}


def test_the_demo_labels_an_example_and_cleans_up(tmp_path: Path) -> None:
    demo = subprocess.run(
        [sys.executable, str(EXAMPLES / "demo.py"), "sensors"],
        env={**without_endpoint(), "TMPDIR": str(tmp_path), "COLUMNS": "60", "NO_COLOR": "1"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert demo.returncode == 0, demo.stderr
    for text in ("accuracy where labeled", "overheating", "memory 400", "what to try next"):
        assert text in demo.stdout
    assert list(tmp_path.iterdir()) == []


def test_the_demo_has_programs_written_from_recorded_replies(tmp_path: Path) -> None:
    """Of Qwen2.5-Coder-1.5B, recorded 2026-11-24."""
    demo = subprocess.run(
        [sys.executable, str(EXAMPLES / "demo.py"), "spam"],
        env={**without_endpoint(), "COLUMNS": "100", "NO_COLOR": "1"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert demo.returncode == 0, demo.stderr
    assert "0 of them paid now" in demo.stdout
    bundle, findings = read_folder(tmp_path / ".labelwright/demo/spam")
    assert bundle, findings
    right = float(re.search(r"counted as wrong +([\d.]+)%", demo.stdout)[1])  # type: ignore[index]
    assert right > 85


def test_the_demo_says_where_there_is_no_example(tmp_path: Path) -> None:
    demo = subprocess.run(
        [sys.executable, str(EXAMPLES / "demo.py"), str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert demo.returncode == 1
    assert "task.toml" in demo.stdout
    assert demo.stderr == ""
