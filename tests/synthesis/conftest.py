from __future__ import annotations

from collections.abc import Iterator

import pytest
from labelwright.core.task import Task, parse_task
from labelwright.sandbox import Sandbox


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as opened:
        yield opened


@pytest.fixture(scope="session")
def reviews() -> Task:
    """A text task with two labels."""
    return make_task('[labels]\nbad = "speaks against"\ngood = "speaks for"\n[fields]\ntext = "text"')


def make_task(tables: str) -> Task:
    task, findings = parse_task(f'[task]\nname = "reviews"\ninstructions = "Is it for or against?"\n{tables}\n')
    assert task is not None, findings
    return task
