from __future__ import annotations

import subprocess
import sys

import pytest

from tests.parts.repository import ROOT
from tests.project.tracked import folders

PACKAGES = sorted(
    path
    for folder in folders()
    for path in ROOT.glob(f"{folder}/labelwright/*")
    if path.is_dir() and path.name not in ("v1", "__pycache__")
)


def run(*command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT,
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


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="types are checked on the lowest Python that is promised")
def test_types() -> None:
    """Of everything at once: the packages, the tests, what measures, the scripts.

    On another Python the same lock file brings libraries whose types are not those of the lowest one.
    """
    run("mypy")


def test_modules_keep_to_one_subject() -> None:
    """No module of the packages is longer than 400 lines; generated code aside."""
    long = {
        str(path.relative_to(ROOT)): length
        for package in PACKAGES
        for path in package.glob("**/*.py")
        if (length := len(path.read_text(encoding="utf-8").splitlines())) > 400
    }
    assert long == {}


def test_the_name_of_the_house_stays_a_namespace() -> None:
    """An __init__.py in one of the ``labelwright`` folders would hide the packages of all the others."""
    assert [folder for folder in folders() if (ROOT / folder / "labelwright" / "__init__.py").exists()] == []


def test_every_package_says_that_it_is_typed() -> None:
    assert [str(package.relative_to(ROOT)) for package in PACKAGES if not (package / "py.typed").exists()] == []
