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


@pytest.mark.parametrize(("example", "least"), [("spam", 93), ("sensors", 93)])
def test_the_demo_has_programs_written_and_labels_by_them(example: str, least: float, tmp_path: Path) -> None:
    """From recorded replies of a large model; ``least`` is in percent of the records labeled rightly."""
    temporary, here = tmp_path / "temporary", tmp_path / "here"
    temporary.mkdir()
    here.mkdir()
    demo = subprocess.run(
        [sys.executable, str(EXAMPLES / "demo.py"), example],
        env={**without_endpoint(), "TMPDIR": str(temporary), "COLUMNS": "100", "NO_COLOR": "1"},
        cwd=here,
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert demo.returncode == 0, demo.stderr
    for text in ("0 of them paid now", "accuracy where labeled", "what to try next"):
        assert text in demo.stdout
    bundle, findings = read_folder(here / ".labelwright" / "demo" / example)
    assert bundle, findings
    assert "guide.md" in bundle.files
    assert float(re.search(r"counted as wrong +([\d.]+)%", demo.stdout)[1]) > least  # type: ignore[index]
    assert list(temporary.iterdir()) == []


def test_the_demo_says_where_there_is_no_example(tmp_path: Path) -> None:
    demo = subprocess.run(
        [sys.executable, str(EXAMPLES / "demo.py"), str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert demo.returncode == 1
    assert "task.toml" in demo.stdout
    assert demo.stderr == ""
