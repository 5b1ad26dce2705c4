from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from labelwright.cli.main import app
from labelwright.client import Client
from labelwright.client import Registry as RegistryClient
from labelwright.core.errors import NotFound
from typer.testing import CliRunner, Result

from tests.parts.registry import Registry
from tests.parts.service import Service, until

EXAMPLES = Path(__file__).parents[2] / "examples"
SPAM = EXAMPLES / "spam" / "bundle"
UNLABELED = EXAMPLES / "spam" / "unlabeled.jsonl"
CHAT = "hi mum, see you"
PRIZE = "You have won a prize! Call 09061234567 now"


class Command:
    """The command, run in this process against the shared servers."""

    def __init__(self, registry: str, service: str) -> None:
        self.environment = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "LABELWRIGHT_REGISTRY": registry,
            "LABELWRIGHT_SERVICE": service,
            "COLUMNS": "100",
            "NO_COLOR": "1",
        }

    def __call__(self, *arguments: object, stdin: bytes | None = None, exits: int = 0) -> Result:
        result = CliRunner().invoke(app, [str(item) for item in arguments], input=stdin, env=self.environment)
        assert result.exit_code == exits, result.output
        assert "Traceback" not in result.output
        return result

    def json(self, *arguments: object, exits: int = 0) -> Any:
        return json.loads(self(*arguments, "--json", exits=exits).stdout)


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    server = Registry(tmp_path_factory.mktemp("registry") / "data", heartbeat_seconds=0.5, poll_seconds=0.1).start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def service(registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    server = Service(tmp_path_factory.mktemp("service") / "data", registry=registry.address).start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def registry_client(registry: Registry) -> Iterator[RegistryClient]:
    with RegistryClient(registry.address) as client:
        yield client


@pytest.fixture(scope="session")
def client(service: Service) -> Iterator[Client]:
    with Client(service.address) as client:
        yield client


@pytest.fixture(scope="session")
def labelwright(registry: Registry, service: Service) -> Command:
    return Command(registry.address, service.address)


@pytest.fixture(scope="session")
def spam(registry_client: RegistryClient, client: Client) -> str:
    """The spam example, in production."""
    return serve(registry_client, client, SPAM)


@pytest.fixture(scope="session")
def sensors(registry_client: RegistryClient, client: Client) -> str:
    """The sensors example, in production."""
    return serve(registry_client, client, EXAMPLES / "sensors" / "bundle")


def serve(registry_client: RegistryClient, client: Client, bundle: Path) -> str:
    version = registry_client.push(bundle, author="tests").version
    assert version is not None
    registry_client.set_alias(version.task, version.number, actor="tests")
    until(lambda: is_served(client, version.task))
    return version.task


def is_served(client: Client, task: str) -> bool:
    try:
        return client.label_batch(task, [{}]) != []
    except NotFound:  # the label service follows the registry within moments
        return False


def renamed(bundle: Path, name: str, folder: Path) -> Path:
    """Copy a bundle under another task name."""
    copy = folder / name
    shutil.copytree(bundle, copy, ignore=shutil.ignore_patterns("__pycache__"))
    task = copy / "task.toml"
    task.write_text(task.read_text().replace(f'name = "{bundle.parent.name}"', f'name = "{name}"', 1))
    assert name in task.read_text()
    return copy


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def changed(bundle: Path, note: str) -> Path:
    """Give the bundle another content."""
    program = bundle / "programs" / "prize.py"
    program.write_text(program.read_text() + f"\n# {note}\n")
    return bundle


def write_rows(path: Path, rows: Iterable[Mapping[str, object]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def without_source(path: Path) -> list[dict[str, object]]:
    """Return the rows but for where their answers came from, which depends on what the server remembers."""
    return [{name: value for name, value in row.items() if name != "source"} for row in rows_of(path)]
