"""The databases that a registry may keep its tables in."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.parts.postgres import Postgres

DATABASES = ("sqlite", pytest.param("postgres", marks=pytest.mark.servers))


def new_url(kind: str, folder: Path, request: pytest.FixtureRequest) -> str:
    if kind == "sqlite":
        return f"sqlite:///{folder / 'registry.sqlite3'}"
    server: Postgres = request.getfixturevalue("postgres")
    return server.new_database()
