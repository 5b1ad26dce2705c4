from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from labelwright.v1 import label_service_pb2 as pb
from labelwright.v1 import registry_service_pb2
from labelwright.v1.label_service_pb2_grpc import LabelServiceStub
from labelwright.v1.registry_service_pb2_grpc import RegistryServiceStub

from tests.parts.redis import Redis, find_redis
from tests.parts.registry import Registry
from tests.parts.service import Service, until
from tests.service.bundles import files, new_name, serve


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A running registry that tests share: each uses a task of its own."""
    process = Registry(tmp_path_factory.mktemp("registry") / "data", heartbeat_seconds=0.5, poll_seconds=0.1).start()
    yield process
    process.stop()


@pytest.fixture(scope="session")
def registry_stub(registry: Registry) -> RegistryServiceStub:
    return registry.stub()


@pytest.fixture(scope="session")
def service(registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A running label service that tests share."""
    process = Service(tmp_path_factory.mktemp("service") / "data", registry=registry.address).start()
    yield process
    assert process.stop() == 0


@pytest.fixture(scope="session")
def stub(service: Service) -> LabelServiceStub:
    return service.stub()


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[Redis]:
    if find_redis() is None:
        pytest.skip("Redis is not installed here: tests/install-parts installs it")
    process = Redis(tmp_path).start()
    yield process
    process.stop()


@pytest.fixture(scope="session")
def spam(registry_stub: RegistryServiceStub, stub: LabelServiceStub) -> registry_service_pb2.Version:
    """A version in production at the shared service."""
    version = serve(registry_stub, files(new_name()))
    wait_for(stub, version)
    return version


def wait_for(stub: LabelServiceStub, version: registry_service_pb2.Version, alias: str = "production") -> None:
    """Wait until the service answers with this version."""
    request = pb.LabelBatchRequest(task=version.task, alias=alias)
    until(lambda: stub.LabelBatch(request, timeout=10).served.version == version.number)
