from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.clients.conftest import EXAMPLES


def test_the_demo_labels_an_example_and_cleans_up(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / "demo.py"), "sensors"],
        env={**os.environ, "TMPDIR": str(tmp_path), "COLUMNS": "60", "NO_COLOR": "1"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for told in ("accuracy where labeled", "overheating", "memory 400", "what to try next"):
        assert told in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_the_demo_says_where_there_is_no_example(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / "demo.py"), str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "task.toml" in done.stdout
    assert done.stderr == ""
