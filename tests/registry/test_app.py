from __future__ import annotations

import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from concurrent import futures
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from labelwright.v1 import registry_service_pb2 as pb

from tests.parts.healthz import healthz
from tests.parts.postgres import Postgres
from tests.parts.registry import Registry, push
from tests.registry.bundles import files, new_name

SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


def failure(folder: Path, *arguments: str, **settings: object) -> str:
    """Run the registry, which must end at once, and return what it says."""
    registry = Registry(folder, **settings)
    ended = subprocess.run(
        [sys.executable, "-m", "labelwright.registry", *arguments],
        env=registry.environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 2
    assert ended.stderr.count("labelwright registry: ") == 1
    assert "Traceback" not in ended.stderr
    (line,) = [line for line in ended.stderr.splitlines() if not line.startswith("{")]
    return line


@pytest.fixture
def taken() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


def test_a_taken_port(tmp_path: Path, taken: str) -> None:
    output = failure(tmp_path / "data", listen=taken)
    assert output.startswith(f"labelwright registry: LABELWRIGHT_REGISTRY_LISTEN: cannot listen on {taken}: ")


def test_a_taken_metrics_port(tmp_path: Path, taken: str) -> None:
    output = failure(tmp_path / "data", metrics_listen=taken)
    assert f"LABELWRIGHT_REGISTRY_METRICS_LISTEN: cannot listen on {taken}: " in output


def test_an_address_that_is_none(tmp_path: Path) -> None:
    assert "LABELWRIGHT_REGISTRY_LISTEN" in failure(tmp_path / "data", listen="nonsense")


def test_a_data_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert f"LABELWRIGHT_REGISTRY_DATA_DIR: cannot use {tmp_path / 'file'}: " in failure(tmp_path / "file")


def test_a_database_that_is_none(tmp_path: Path) -> None:
    assert "no such kind of database: mysql" in failure(tmp_path / "data", "migrate", database_url="mysql://x/y")


def test_migrate_alone_ends_when_done(tmp_path: Path, database_url: str) -> None:
    environment = Registry(tmp_path / "data", database_url=database_url).environment()
    for _ in range(2):
        subprocess.run([sys.executable, "-m", "labelwright.registry", "migrate"], env=environment, check=True)


def test_health_reflection_and_the_address_file(registry: Registry) -> None:
    assert (registry.data_dir / "registry.address").read_text().strip() == registry.address
    with grpc.insecure_channel(registry.address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        for name in ("", "labelwright.v1.RegistryService", "labelwright.v1.RunService"):
            assert stub.Check(health_pb2.HealthCheckRequest(service=name)).status == SERVING  # type: ignore[attr-defined]
        with pytest.raises(grpc.RpcError) as caught:
            stub.Check(health_pb2.HealthCheckRequest(service="no.Such"))  # type: ignore[attr-defined]
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND
        services = ProtoReflectionDescriptorDatabase(channel).get_services()
        assert {"labelwright.v1.RegistryService", "labelwright.v1.RunService", "grpc.health.v1.Health"} <= set(services)


def test_pushes_under_way_are_finished_at_shutdown_and_the_address_goes(tmp_path: Path) -> None:
    registry = Registry(tmp_path / "data", metrics_listen="127.0.0.1:0").start()
    name, stub = new_name(), registry.stub()
    slow = "def label(text):\n    for _ in range(20_000):\n        text = text.lower()\n    return 'ham'\n"
    push(stub, files(name))
    (metrics,) = registry.events("metrics")
    with urllib.request.urlopen(f"http://{metrics['address']}/metrics") as page:
        assert 'labelwright_registry_pushes_total{outcome="created"} 1.0' in page.read().decode()
    with futures.ThreadPoolExecutor() as pool:
        under_way = pool.submit(push, registry.stub(), files(name, slow=slow))
        channels, registry.channels = registry.channels, []
        stub.ListTasks(pb.ListTasksRequest())
        assert registry.stop() == 0
        error = under_way.exception()
        if error is None:
            assert under_way.result().version.number == 2
        else:
            # It had not arrived yet.
            assert isinstance(error, grpc.RpcError)
            assert error.code() is grpc.StatusCode.UNAVAILABLE
    for channel in channels:
        channel.close()
    assert not (registry.data_dir / "registry.address").exists()
    registry.start()
    assert registry.stub().ListTasks(pb.ListTasksRequest()).tasks[0].name == name
    registry.stop()


def test_health_follows_the_database(tmp_path: Path, postgres: Postgres) -> None:
    """PostgreSQL goes away and comes back: calls fail with a clear error meanwhile, then work again."""
    url = postgres.new_database()
    registry = Registry(tmp_path / "data", database_url=url, poll_seconds=0.1, metrics_listen="127.0.0.1:0").start()
    stub, metrics = registry.stub(), registry.events("metrics")[0]["address"]
    with grpc.insecure_channel(registry.address) as channel:
        states = health_pb2_grpc.HealthStub(channel).Watch(  # type: ignore[attr-defined]
            health_pb2.HealthCheckRequest(service="labelwright.v1.RegistryService"), timeout=60
        )
        assert next(states).status == SERVING
        assert healthz(metrics) == 200
        postgres.stop()
        try:
            assert next(states).status == NOT_SERVING
            assert healthz(metrics) == 503
            with pytest.raises(grpc.RpcError) as caught:
                stub.ListTasks(pb.ListTasksRequest(), timeout=60)
            assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        finally:
            postgres.start()
        assert next(states).status == SERVING
        assert healthz(metrics) == 200
        assert not stub.ListTasks(pb.ListTasksRequest(), timeout=60).tasks
    registry.stop()
