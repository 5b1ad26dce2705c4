"""What tests of several packages share, once for each process that runs tests. A folder may have its own instead."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Generator, Iterator

import pytest
from hypothesis import settings
from labelwright.client import Client
from labelwright.client import Registry as RegistryClient
from labelwright.sandbox import Sandbox

from tests.parts.command import Command
from tests.parts.example_bundles import SPAM, serve
from tests.parts.registry import Registry
from tests.parts.repository import EXAMPLES, ROOT
from tests.parts.server_process import MARK, allow, reaches_servers
from tests.parts.service import Service

LONGEST_FIRST = ("end_to_end", "worker", "deploy", "project", "sandbox", "examples", "service", "synthesis", "registry")
"""Folders whose files take long. Those that come last should be short, so that all processes end at about one time."""

# An example that took long proves nothing on a busy machine; pytest ends a test that takes too long.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

# Proxies are this machine's own affair: tests must not depend on them, nor do the processes that they start.
for proxy_variable in [name for name in os.environ if name.lower().endswith("_proxy")]:
    del os.environ[proxy_variable]


@pytest.hookimpl(tryfirst=True)  # before the tests that -m leaves out are left out
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    order = {folder: place for place, folder in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: order.get(item.path.relative_to(ROOT / "tests").parts[0], len(order)))
    for item in items:
        if isinstance(item, pytest.Function) and any(reaches_servers(function) for function in functions_of(item)):
            item.add_marker(MARK)


def pytest_collection_finish() -> None:
    """Have garbage collections leave out what was imported, which stays: a tenth of the processor time."""
    gc.collect()
    gc.freeze()


def functions_of(item: pytest.Function) -> Iterator[Callable[..., object]]:
    """Yield the test and the fixtures that it stands on."""
    yield item.function
    for definitions in item._fixtureinfo.name2fixturedefs.values():
        yield definitions[-1].func


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    allow(item.get_closest_marker(MARK) is not None)
    return (yield)


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as made:
        yield made


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A running registry that tests share: each uses a task of its own."""
    made = Registry(tmp_path_factory.mktemp("registry") / "data", heartbeat_seconds=0.5).start()
    yield made
    made.stop()


@pytest.fixture(scope="session")
def service(registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A running label service that tests share."""
    made = Service(tmp_path_factory.mktemp("service") / "data", registry=registry.address).start()
    yield made
    assert made.stop() == 0


@pytest.fixture(scope="session")
def registry_client(registry: Registry) -> Iterator[RegistryClient]:
    with RegistryClient(registry.address) as made:
        yield made


@pytest.fixture(scope="session")
def client(service: Service) -> Iterator[Client]:
    with Client(service.address) as made:
        yield made


@pytest.fixture(scope="session")
def offline() -> Command:
    """The command where no server is to be had."""
    return Command("127.0.0.1:1", "127.0.0.1:1")


@pytest.fixture(scope="session")
def labelwright(registry: Registry, service: Service) -> Command:
    """The command beside the servers that tests share."""
    return Command(registry.address, service.address)


@pytest.fixture(scope="session")
def spam(registry_client: RegistryClient, client: Client) -> str:
    """The spam example, in production."""
    return serve(registry_client, client, SPAM)


@pytest.fixture(scope="session")
def sensors(registry_client: RegistryClient, client: Client) -> str:
    """The sensors example, in production."""
    return serve(registry_client, client, EXAMPLES / "sensors" / "bundle")
