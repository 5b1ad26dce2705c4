from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from labelwright.core.wire.status import from_rpc_error
from labelwright.v1 import label_service_pb2 as pb

from tests.parts.healthz import healthz
from tests.parts.registry import Registry
from tests.parts.service import Service, until
from tests.service.bundles import constant, new_name, promote, push_version, serve, wait_for


@pytest.fixture
def own_registry(tmp_path: Path) -> Iterator[Registry]:
    """A registry that the test may stop."""
    process = Registry(tmp_path / "registry", heartbeat_seconds=0.5).start()
    process.settings["listen"] = process.address  # it comes back where it was
    yield process
    process.stop()


def test_the_service_outlives_the_registry_and_starts_without_it(own_registry: Registry, tmp_path: Path) -> None:
    name = new_name()
    one = serve(own_registry.stub(), constant(name, "ham"))
    service = Service(tmp_path / "service", registry=own_registry.address).start()
    wait_for(service.stub(), one)
    own_registry.kill()
    until(lambda: service.total("labelwright_registry_connected") == 0)
    assert service.stub().Label(pb.LabelRequest(task=name, text="x")).labeling.label == "ham"
    service.kill()
    service.start()
    reply = service.stub().Label(pb.LabelRequest(task=name, text="x"))
    assert (reply.labeling.label, reply.served.digest) == ("ham", one.digest)
    assert refused(service, pb.LabelRequest(task=name, version=7, text="x")) == "UNAVAILABLE"
    own_registry.start()
    two = push_version(own_registry.stub(), constant(name, "spam"))
    promote(own_registry.stub(), two)
    wait_for(service.stub(), two)
    assert service.stop() == 0


def test_candidates_and_versions_by_number_are_there_without_the_registry(
    own_registry: Registry, tmp_path: Path
) -> None:
    name = new_name()
    stub = own_registry.stub()
    one = serve(stub, constant(name, "ham"))
    two, three = (push_version(stub, constant(name, "spam", programs=count)) for count in (1, 2))
    promote(stub, two, "candidate")
    service = Service(tmp_path / "service", registry=own_registry.address, shadow_share=1).start()
    wait_for(service.stub(), one)
    until(lambda: service.total("labelwright_shadow_version", task=name) == two.number)
    assert service.stub().Label(pb.LabelRequest(task=name, version=three.number, text="x")).labeling.label == "spam"
    assert service.stop() == 0
    own_registry.stop()
    service.start()
    for version in (three, two, one):
        reply = service.stub().Label(pb.LabelRequest(task=name, version=version.number, text="x"))
        assert reply.served.digest == version.digest
    until(lambda: service.total("labelwright_shadow_version", task=name) == two.number)
    service.stub().Label(pb.LabelRequest(task=name, text="x"))
    until(lambda: service.total("labelwright_shadow_records_total", task=name) >= 1)
    assert refused(service, pb.LabelRequest(task=name, version=7, text="x")) == "UNAVAILABLE"
    assert service.stop() == 0


def test_damaged_files_are_never_served(own_registry: Registry, tmp_path: Path) -> None:
    name = new_name()
    version = serve(own_registry.stub(), constant(name, "ham"))
    service = Service(tmp_path / "service", registry=own_registry.address).start()
    wait_for(service.stub(), version)
    assert service.stop() == 0
    own_registry.stop()
    stored = tmp_path / "service" / "bundles" / f"{version.digest.removeprefix('sha256:')}.pb"
    stored.write_bytes(stored.read_bytes().replace(b"ham", b"sam"))
    service.start(serving=False)
    assert service.health() == "NOT_SERVING"
    assert refused(service, pb.LabelRequest(task=name, text="x")) == "UNAVAILABLE"
    own_registry.start()
    wait_for(service.stub(), version)
    assert service.health() == "SERVING"
    assert service.stop() == 0


def test_a_service_that_knows_nothing_says_so(tmp_path: Path) -> None:
    service = Service(tmp_path / "service", registry="127.0.0.1:9").start(serving=False)
    assert [service.health(name) for name in ("", "labelwright.v1.LabelService")] == ["NOT_SERVING"] * 2
    assert healthz(service.metrics_address) == 503
    assert refused(service, pb.LabelRequest(task="any", text="x")) == "UNAVAILABLE"
    assert service.stop() == 0


def refused(service: Service, request: pb.LabelRequest) -> str:
    with pytest.raises(grpc.RpcError) as caught:
        service.stub().Label(request, timeout=20)
    return from_rpc_error(caught.value).reason
