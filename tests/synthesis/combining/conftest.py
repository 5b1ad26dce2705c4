from __future__ import annotations

import pytest
from labelwright.core.bundle import Bundle
from labelwright.sandbox import Sandbox

from tests.synthesis.combining.sensors_version import write


@pytest.fixture(scope="session")
def written(sandbox: Sandbox) -> Bundle:
    """A version of a capable model's programs, and of what was learned beside them."""
    return write(sandbox)
