from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from labelwright.v1 import registry_service_pb2
from labelwright.v1.label_service_pb2_grpc import LabelServiceStub
from labelwright.v1.registry_service_pb2_grpc import RegistryServiceStub

from tests.parts.redis import Redis
from tests.parts.registry import Registry
from tests.parts.service import Service
from tests.service.bundles import files, new_name, serve, wait_for


@pytest.fixture(scope="session")
def registry_stub(registry: Registry) -> RegistryServiceStub:
    return registry.stub()


@pytest.fixture(scope="session")
def stub(service: Service) -> LabelServiceStub:
    return service.stub()


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[Redis]:
    made = Redis(tmp_path).start()
    yield made
    made.stop()


@pytest.fixture(scope="session")
def spam(registry_stub: RegistryServiceStub, stub: LabelServiceStub) -> registry_service_pb2.Version:
    """A version in production at the shared service."""
    version = serve(registry_stub, files(new_name()))
    wait_for(stub, version)
    return version
