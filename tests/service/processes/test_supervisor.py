from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
from labelwright.v1 import label_service_pb2 as pb
from labelwright.v1 import registry_service_pb2
from labelwright.v1.registry_service_pb2_grpc import RegistryServiceStub

from tests.parts.healthz import healthz
from tests.parts.registry import Registry
from tests.parts.service import Service, until
from tests.service.bundles import files, new_name, serve


@pytest.fixture(scope="module")
def version(registry_stub: RegistryServiceStub) -> registry_service_pb2.Version:
    return serve(registry_stub, files(new_name()))


@contextmanager
def running(registry: Registry, version: registry_service_pb2.Version, folder: Path) -> Iterator[Service]:
    process = Service(folder / "data", registry=registry.address, workers=2, tasks=version.task).start()
    until(lambda: process.total("labelwright_live_version") == 2 * version.number)
    yield process
    if process.running:
        process.stop()


@pytest.fixture(scope="module")
def workers(
    registry: Registry, version: registry_service_pb2.Version, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """Two workers that tests share."""
    with running(registry, version, tmp_path_factory.mktemp("workers")) as process:
        yield process


@pytest.fixture
def own_workers(registry: Registry, version: registry_service_pb2.Version, tmp_path: Path) -> Iterator[Service]:
    """Two workers that the test may stop."""
    with running(registry, version, tmp_path) as process:
        yield process


def ask(service: Service, task: str) -> str:
    """Ask on a connection of its own, which either worker may get."""
    with service.channel() as channel:
        call = channel.unary_unary(
            "/labelwright.v1.LabelService/Label",
            request_serializer=pb.LabelRequest.SerializeToString,
            response_deserializer=pb.LabelResponse.FromString,
        )
        return call(pb.LabelRequest(task=task, text="short"), timeout=10).labeling.label


def children(pid: int) -> list[int]:
    """Return the workers of this supervisor, by pid."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
            command = (stat.parent / "cmdline").read_bytes()
        except OSError:
            continue
        if int(fields[1]) == pid and b"spawn_main" in command:
            found.append(int(stat.parent.name))
    return found


def test_metrics_are_right_across_workers(workers: Service, version: registry_service_pb2.Version) -> None:
    def totals() -> list[float]:
        return [
            workers.total("labelwright_requests_total", method="Label", outcome="OK"),
            workers.total("labelwright_labels_total", task=version.task, label="ham"),
            workers.total("labelwright_request_seconds_count", method="Label"),
        ]

    before = totals()
    for _ in range(40):
        assert ask(workers, version.task) == "ham"
    assert [after - start for start, after in zip(before, totals(), strict=True)] == [40, 40, 40]
    samples = workers.scrape()["labelwright_requests_total"]
    assert {labels["worker"] for labels, _ in samples} == {"0", "1"}
    assert workers.total("labelwright_worker_up") == 2


def test_one_worker_that_serves_is_enough_for_health(own_workers: Service) -> None:
    os.kill(children(own_workers.pid)[0], signal.SIGKILL)
    until(lambda: own_workers.total("labelwright_worker_up") == 1)
    assert healthz(own_workers.metrics_address) == 200


def test_workers_that_know_no_version_are_not_healthy(tmp_path: Path) -> None:
    service = Service(tmp_path / "data", registry="127.0.0.1:9", workers=2).start(serving=False)
    assert healthz(service.metrics_address) == 503
    assert service.stop() == 0


def test_a_dead_worker_is_replaced_and_the_port_stays(workers: Service, version: registry_service_pb2.Version) -> None:
    victim = children(workers.pid)[0]
    os.kill(victim, signal.SIGKILL)
    until(lambda: workers.total("labelwright_worker_restarts_total") >= 1)
    until(lambda: workers.total("labelwright_worker_up") == 2 and workers.total("labelwright_live_version") == 2)
    assert victim not in children(workers.pid)
    assert {ask(workers, version.task) for _ in range(20)} == {"ham"}


def test_stopping_the_supervisor_drains_the_workers(own_workers: Service) -> None:
    pids = children(own_workers.pid)
    assert len(pids) == 2
    assert own_workers.stop() == 0
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    assert not (own_workers.data_dir / "service.address").exists()


def test_workers_do_not_outlive_a_killed_supervisor(own_workers: Service) -> None:
    pids = children(own_workers.pid)
    own_workers.kill()
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))


def test_two_services_never_share_a_port(workers: Service, registry: Registry, tmp_path: Path) -> None:
    for count in (1, 2):
        second = Service(tmp_path / f"second-{count}", registry=registry.address, workers=count, listen=workers.address)
        assert second.spawn().wait(timeout=30) == 2
        output = second.log.read_text()
        assert "LABELWRIGHT_SERVICE_LISTEN: cannot listen on" in output
        assert len(output.splitlines()) == 1
    with pytest.raises(grpc.RpcError):
        ask(workers, "no-such-task")
