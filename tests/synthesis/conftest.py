from __future__ import annotations

import pytest
from labelwright.core.task import Task

from tests.synthesis.tasks import make_task


@pytest.fixture(scope="session")
def reviews() -> Task:
    """A text task with two labels."""
    return make_task('[labels]\nbad = "speaks against"\ngood = "speaks for"\n[fields]\ntext = "text"')
