"""Lock files, image, compose file: what a stranger installs from."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.parts.repository import ROOT
from tests.project.tracked import folders

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
EXTRAS = PROJECT["project"]["optional-dependencies"]
LOCKS = {"requirements.lock": (["server"], ["build"]), "requirements-dev.lock": (list(EXTRAS), ["build", "dev"])}


def script(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def run(*command: str) -> None:
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, done.stdout


def wanted(extras: list[str], groups: list[str]) -> list[Requirement]:
    lines = [*PROJECT["project"]["dependencies"], *PROJECT["build-system"]["requires"]]
    lines += [line for group in groups for line in PROJECT["dependency-groups"][group]]
    lines += [line for extra in extras for line in EXTRAS[extra]]
    requirements = [Requirement(line) for line in lines]
    inner = {extra for found in requirements if found.name == "labelwright" for extra in found.extras}
    own = [found for found in requirements if found.name != "labelwright"]
    return own + (wanted(sorted(inner), []) if inner else [])


def pins(lock: str) -> dict[str, list[str]]:
    """Return the versions by name; one name may have several, for different Pythons."""
    found: dict[str, list[str]] = {}
    for name, version in re.findall(r"^([a-z0-9._-]+)==(\S+)", (ROOT / lock).read_text(), re.MULTILINE):
        found.setdefault(canonicalize_name(name), []).append(version)
    return found


@pytest.mark.parametrize("lock", LOCKS)
def test_the_lock_meets_every_requirement(lock: str) -> None:
    pinned = pins(lock)
    unmet = [
        str(requirement)
        for requirement in wanted(*LOCKS[lock])
        if not any(requirement.specifier.contains(pin) for pin in pinned.get(canonicalize_name(requirement.name), []))
    ]
    assert unmet == [], "run: make lock"


def test_a_server_installation_brings_what_the_commands_need() -> None:
    brought = {requirement.name for requirement in wanted(["server"], [])}
    needed = {requirement.name for extra in EXTRAS if extra != "onnx" for requirement in wanted([extra], [])}
    assert needed - brought == set()


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_package_has_hashes_and_no_index_is_named(lock: str) -> None:
    text = (ROOT / lock).read_text()
    entries = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    assert entries
    assert [entry.splitlines()[0] for entry in entries if "--hash=sha256:" not in entry] == []
    assert "://" not in text
    assert "index" not in text


def test_both_locks_agree() -> None:
    runtime, development = pins("requirements.lock"), pins("requirements-dev.lock")
    assert {name: development.get(name) for name in runtime} == runtime


def test_the_build_group_is_what_the_build_system_asks_for() -> None:
    assert sorted(PROJECT["dependency-groups"]["build"]) == sorted(PROJECT["build-system"]["requires"])


def test_the_image_passes_its_linter() -> None:
    run(script("hadolint"), "Dockerfile")


def test_the_linter_would_find_something(tmp_path: Path) -> None:
    faulty = tmp_path / "Dockerfile"
    faulty.write_text("FROM debian\nRUN cd /tmp && sudo true\nUSER root\n")
    done = subprocess.run([script("hadolint"), str(faulty)], capture_output=True, text=True, check=False)
    assert "DL3004" in done.stdout


def test_the_image_does_not_run_as_root() -> None:
    users = re.findall(r"^USER (\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert users
    assert users[-1].split(":")[0] not in ("root", "0")


def test_the_compose_file_is_one() -> None:
    run(script("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", "deploy/compose.yaml")


def test_the_compose_file_publishes_on_loopback_only() -> None:
    published = re.findall(r'"([\d.:]+:\d+)"', " ".join(re.findall(r"ports: \[(.*)\]", compose())))
    assert len(published) >= 3
    assert [port for port in published if not port.startswith("127.0.0.1:")] == []


def test_every_folder_of_code_enters_the_build_of_the_image() -> None:
    entering = set(re.findall(r"^!(\w+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE))
    assert set(folders()) - entering == set()


def test_the_image_holds_every_server_that_the_compose_file_starts() -> None:
    started = set(re.findall(r'"-m", "labelwright\.(\w+)"', compose()))
    installed = re.search(r'"labelwright\[([\w,]+)\]"', (ROOT / "Dockerfile").read_text())
    assert installed
    assert started >= {"registry", "service", "worker"}
    assert started - set(installed[1].split(",")) == set()


def test_the_image_is_tagged_with_the_version_of_the_project() -> None:
    assert set(re.findall(r"image: labelwright:(\S+)", compose())) == {PROJECT["project"]["version"]}
    assert f"ARG VERSION={PROJECT['project']['version']}\n" in (ROOT / "Dockerfile").read_text()


def test_prometheus_scrapes_the_port_on_which_the_service_shows_its_metrics() -> None:
    port = re.search(r"LABELWRIGHT_SERVICE_METRICS_LISTEN=\S+?:(\d+)", (ROOT / "Dockerfile").read_text())
    assert port
    assert f"port: {port[1]}\n" in (ROOT / "deploy/prometheus/prometheus.yml").read_text()


def compose() -> str:
    return (ROOT / "deploy/compose.yaml").read_text()
