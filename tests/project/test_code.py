from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.project.tracked import ROOT, folders

PACKAGES = sorted(
    f"labelwright.{path.name}"
    for folder in folders()
    for path in (ROOT / folder).glob("labelwright/*")
    if path.is_dir() and path.name not in ("__pycache__", "v1")  # v1 is generated
)


def run(*command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        env={**os.environ, "MYPYPATH": "examples"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.fail(done.stdout[-8000:], pytrace=False)


def test_lint() -> None:
    run("ruff", "check", ".")


def test_format() -> None:
    run("ruff", "format", "--check", ".")


def test_types() -> None:
    run("mypy", *(word for package in PACKAGES for word in ("-p", package)))


SCRIPTS = sorted(
    str(path.relative_to(ROOT)) for folder in ("deploy", "examples", "tools") for path in ROOT.glob(f"{folder}/*.py")
)


@pytest.mark.parametrize("script", SCRIPTS)
def test_types_of_scripts(script: str) -> None:
    run("mypy", script)


def test_modules_keep_to_one_subject() -> None:
    """No module of the packages is longer than 400 lines; generated code aside."""
    long = {
        str(path.relative_to(ROOT)): length
        for package in PACKAGES
        for path in ROOT.glob(f"*/{package.replace('.', '/')}/**/*.py")
        if (length := len(path.read_text(encoding="utf-8").splitlines())) > 400
    }
    assert long == {}


def test_the_name_of_the_house_stays_a_namespace() -> None:
    """An __init__.py in one of the ``labelwright`` folders would hide the packages of all the others."""
    assert [path for path in ROOT.glob("*/labelwright/__init__.py") if not path.is_relative_to(ROOT / ".venv")] == []


def test_every_package_says_that_it_is_typed() -> None:
    untyped = [
        package
        for package in PACKAGES
        if not any(Path(folder, "py.typed").exists() for folder in ROOT.glob(f"*/{package.replace('.', '/')}"))
    ]
    assert untyped == []
