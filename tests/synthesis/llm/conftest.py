from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.synthesis.faulty_endpoint import FaultyEndpoint, running


@pytest.fixture
def endpoint() -> Iterator[FaultyEndpoint]:
    """It repeats what it is asked, unless its script says otherwise."""
    with running(lambda body: f"echo of {body['messages'][-1]['content']}") as started:
        yield started
