import pytest
from labelwright.sandbox import Sandbox


@pytest.fixture(scope="session")
def sandbox():
    with Sandbox(bench_after=1000) as shared:
        yield shared
