from __future__ import annotations

import os
import re
import subprocess

from tests.parts.repository import ROOT

MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)


def make(*arguments: str) -> str:
    done = subprocess.run(["make", "--no-print-directory", *arguments], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_make_alone_lists_every_target() -> None:
    assert TARGETS
    listed = [line.split()[0] for line in make().splitlines() if re.match("  (?!make )", line)]
    assert sorted(listed) == sorted(TARGETS[1].split())


def test_continuous_integration_runs_make_test() -> None:
    run = ROOT / ".ci/run"
    assert os.access(run, os.X_OK)
    assert "make test" in run.read_text()


def test_every_python_that_is_promised_can_be_checked() -> None:
    promised = re.findall(r"Python :: (3\.\d+)", (ROOT / "pyproject.toml").read_text())
    assert re.search(rf"^PYTHONS := {' '.join(promised)}$", MAKEFILE, re.MULTILINE)


def test_what_a_target_runs_exists() -> None:
    named = set(re.findall(r"(?:tools|examples|tests)/[\w.-]+", MAKEFILE))
    assert named >= {"tools/lock.py", "tools/stubs.py", "examples/demo.py", "tests/install-parts"}
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def test_a_missing_or_old_python_is_named() -> None:
    done = subprocess.run(
        ["make", "VENV=/nonexistent/venv", "PYTHON=false", "/nonexistent/venv/created.stamp"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    assert "Python 3.11 or newer is needed" in done.stdout
