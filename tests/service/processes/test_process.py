from __future__ import annotations

import socket
import threading
from pathlib import Path

import grpc
import pytest
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from labelwright.v1 import label_service_pb2 as pb
from labelwright.v1.registry_service_pb2_grpc import RegistryServiceStub

from tests.parts.registry import Registry
from tests.parts.service import Service
from tests.service.bundles import constant, new_name, serve, wait_for


def refused_start(service: Service) -> str:
    """Return the one line that the service says before it ends with 2."""
    assert service.spawn().wait(timeout=30) == 2
    output = service.log.read_text()
    assert len(output.splitlines()) == 1, output
    return output


@pytest.mark.parametrize("setting", ["listen", "metrics_listen"])
def test_a_port_that_is_taken_is_named(setting: str, tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        address = f"127.0.0.1:{other.getsockname()[1]}"
        output = refused_start(Service(tmp_path / "data", **{setting: address}))
    assert f"LABELWRIGHT_SERVICE_{setting.upper()}: cannot listen on {address}" in output


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("workers", "hunter2"),
        ("redis_url", "http://user:hunter2@example.org"),
    ],
)
def test_a_wrong_setting_is_named_and_its_value_is_not_shown(setting: str, value: str, tmp_path: Path) -> None:
    output = refused_start(Service(tmp_path / "data", **{setting: value}))
    assert f"LABELWRIGHT_SERVICE_{setting.upper()}" in output
    assert "hunter2" not in output


def test_a_data_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file is in the way")
    output = refused_start(Service(tmp_path / "data"))
    assert f"LABELWRIGHT_SERVICE_DATA_DIR: cannot use {tmp_path / 'data'}" in output


def test_the_addresses_are_left_in_files_while_it_runs(registry: Registry, tmp_path: Path) -> None:
    service = Service(tmp_path / "data", registry=registry.address).start()
    assert (tmp_path / "data" / "service.address").read_text().strip() == service.address
    assert (tmp_path / "data" / "metrics.address").read_text().strip() == service.metrics_address
    assert service.stop() == 0
    assert not list((tmp_path / "data").glob("*.address"))


def test_reflection_describes_the_contract(service: Service) -> None:
    database = ProtoReflectionDescriptorDatabase(service.channel())
    assert "labelwright.v1.LabelService" in database.get_services()


def test_a_kill_under_load_leaves_nothing_half_done(
    registry: Registry, registry_stub: RegistryServiceStub, tmp_path: Path
) -> None:
    name = new_name()
    version = serve(registry_stub, constant(name, "ham"))
    service = Service(tmp_path / "data", registry=registry.address, tasks=name).start()
    wait_for(service.stub(), version)
    codes: set[grpc.StatusCode] = set()
    stub = service.stub()

    def load() -> None:
        for number in range(100_000):
            try:
                stub.LabelBatch(pb.LabelBatchRequest(task=name, texts=[f"{number} {i}" for i in range(50)]), timeout=10)
            except (grpc.RpcError, ValueError) as error:
                if isinstance(error, grpc.RpcError):
                    codes.add(error.code())
                return

    thread = threading.Thread(target=load, daemon=True)
    thread.start()
    service.kill()
    thread.join()
    assert codes <= {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}
    service.start()
    assert not list((tmp_path / "data" / "bundles").glob(".new-*"))
    assert service.stub().Label(pb.LabelRequest(task=name, text="x")).served.digest == version.digest
    assert service.stop() == 0
