from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from labelwright.registry.store.database import Database
from labelwright.registry.store.migration import migrate

from tests.parts.postgres import Postgres
from tests.parts.registry import Registry
from tests.registry.databases import DATABASES, new_url


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    server = Postgres()
    server.start()
    yield server
    server.remove()


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database."""
    return new_url(request.param, tmp_path, request)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A database with its schema."""
    resource = Database(database_url)
    migrate(resource)
    yield resource
    resource.close()


@pytest.fixture(scope="session", params=DATABASES)
def registry(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A running registry that tests share: each uses a task of its own."""
    folder = tmp_path_factory.mktemp(f"registry-{request.param}")
    resource = Registry(
        folder / "data", database_url=new_url(request.param, folder, request), heartbeat_seconds=0.2
    ).start()
    yield resource
    resource.stop()
