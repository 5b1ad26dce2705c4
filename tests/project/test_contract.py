from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.parts.repository import ROOT

CONTRACT = ROOT / "proto"
BASELINE = CONTRACT / "baseline.binpb"
BUF = Path(sys.executable).with_name("buf")


def buf(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(BUF), *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


def test_lint() -> None:
    done = buf("lint", "proto")
    assert done.returncode == 0, done.stdout + done.stderr


def test_format() -> None:
    done = buf("format", "--diff", "--exit-code", "proto")
    assert done.returncode == 0, done.stdout + done.stderr


def test_nothing_that_was_promised_is_broken() -> None:
    done = buf("breaking", "proto", "--against", str(BASELINE))
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_broken_promise_is_found(tmp_path: Path) -> None:
    shutil.copytree(CONTRACT, tmp_path / "proto", ignore=shutil.ignore_patterns("*.py", "*.pyi", "__pycache__"))
    record = tmp_path / "proto/labelwright/v1/record.proto"
    record.write_text(record.read_text().replace("double number = 2;", "float number = 2;"))
    done = buf("breaking", str(tmp_path / "proto"), "--against", str(BASELINE))
    assert "record.proto" in done.stdout
    assert done.returncode != 0


def test_the_stubs_are_those_of_the_contract(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "tools/stubs.py", str(tmp_path)], cwd=ROOT, check=True)
    made = {path.name: path.read_text() for path in (tmp_path / "labelwright/v1").iterdir()}
    kept = {path.name: path.read_text() for path in (CONTRACT / "labelwright/v1").glob("*_pb2*")}
    assert sorted(made) == sorted(kept)
    stale = [name for name in made if made[name] != kept[name]]
    assert stale == [], "run: make proto"


@pytest.mark.parametrize("path", sorted(CONTRACT.glob("labelwright/v1/*.proto")), ids=lambda path: path.name)
def test_every_file_of_the_contract_is_in_the_baseline(path: Path) -> None:
    assert f"labelwright/v1/{path.name}".encode() in BASELINE.read_bytes()
