from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.parts.command import Command
from tests.parts.example_bundles import SPAM

HERE = Path(sys.executable).parent


@pytest.mark.parametrize("path", [f"{HERE}:{os.defpath}", os.defpath])
def test_the_next_step_works_as_it_stands(
    labelwright: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """Whether or not the command is on the PATH, and from any folder."""
    monkeypatch.setitem(labelwright.environment, "PATH", path)
    for folder in (HERE.parents[1], tmp_path):
        monkeypatch.chdir(folder)
        target = tmp_path / folder.name / "pulled"
        labelwright("push", SPAM, "--alias", "production")
        note = labelwright("pull", "spam", target).stderr
        step = note.partition("then ")[2].partition(",")[0]
        assert step.startswith("labelwright ") == (str(HERE) in path)
        process = subprocess.run(shlex.split(step), env={**os.environ, "PATH": path}, capture_output=True, check=False)
        assert process.returncode == 0, process.stderr
