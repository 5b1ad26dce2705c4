from __future__ import annotations

import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from labelwright.core.wire.status import from_rpc_error
from labelwright.v1 import label_service_pb2 as pb
from labelwright.v1 import registry_service_pb2
from labelwright.v1.label_service_pb2_grpc import LabelServiceStub
from labelwright.v1.registry_service_pb2_grpc import RegistryServiceStub

from tests.parts.registry import Registry, damage
from tests.parts.service import Service, until
from tests.service.bundles import constant, files, new_name, promote, push_version, serve, wait_for

PROMOTES = 200
"""Between two versions, under load; the figure of a long run is in docs/performance.md."""


class Load(threading.Thread):
    """Asks for labels until it is stopped, and keeps what was wrong with the answers."""

    def __init__(self, stub: LabelServiceStub, task: str, digests: dict[str, str]) -> None:
        super().__init__(daemon=True)
        self._stub, self._task, self._digests = stub, task, digests
        self.answers = 0
        self.seen: set[str] = set()
        self.wrong: list[str] = []
        self._done = threading.Event()

    def run(self) -> None:
        while not self._done.is_set():
            texts = [f"record {self.answers} {index}" for index in range(8)]
            try:
                reply = self._stub.LabelBatch(
                    pb.LabelBatchRequest(task=self._task, texts=texts, explain=True), timeout=20
                )
            except grpc.RpcError as error:
                self.wrong.append(str(error))
                continue
            self.answers += 1
            self.seen.add(reply.served.digest)
            label = self._digests[reply.served.digest]
            for outcome in reply.outcomes:
                votes = {vote.label for vote in outcome.labeling.votes}
                if outcome.labeling.label != label or votes != {label}:
                    self.wrong.append(f"{label}: {outcome}")

    def finish(self) -> None:
        self._done.set()
        self.join()


def test_promotes_under_load_fail_no_request_and_mix_no_versions(
    registry_stub: RegistryServiceStub, service: Service
) -> None:
    name = new_name()
    ham = serve(registry_stub, constant(name, "ham"))
    spam = push_version(registry_stub, constant(name, "spam", programs=4))
    wait_for(service.stub(), ham)
    digests = {ham.digest: "ham", spam.digest: "spam"}
    loads = [Load(service.stub(), name, digests) for _ in range(3)]
    for load in loads:
        load.start()
    for number in range(PROMOTES):
        promote(registry_stub, (spam, ham)[number % 2])
    promote(registry_stub, spam)
    wait_for(service.stub(), spam)
    for load in loads:
        load.finish()
    assert [load.wrong for load in loads] == [[], [], []]
    assert all(load.answers > 10 for load in loads)
    assert {digest for load in loads for digest in load.seen} == set(digests)


def test_a_version_that_cannot_be_had_leaves_the_old_one_serving_and_is_reported(
    registry: Registry, registry_stub: RegistryServiceStub, service: Service, stub: LabelServiceStub
) -> None:
    name = new_name()
    good = serve(registry_stub, constant(name, "ham"))
    wait_for(stub, good)
    bad = push_version(registry_stub, constant(name, "spam"))
    os.kill(service.pid, signal.SIGSTOP)  # so that it hears of the version when it is damaged already
    promote(registry_stub, bad)
    kept = damage(registry.data_dir, bad.digest)
    os.kill(service.pid, signal.SIGCONT)
    until(lambda: service.total("labelwright_reload_failing", task=name, alias="production") == bad.number)
    assert stub.Label(pb.LabelRequest(task=name, text="x")).served.digest == good.digest
    assert service.total("labelwright_live_version", task=name) == good.number
    assert service.total("labelwright_reloads_total", result="failed") >= 1
    for path, content in kept.items():
        path.write_bytes(content)
    wait_for(stub, bad)
    until(lambda: not service.total("labelwright_reload_failing", task=name))


@pytest.mark.parametrize(
    ("setting", "most", "said"),
    [
        ("max_version_time_ms", 399, "LABELWRIGHT_SERVICE_MAX_VERSION_TIME_MS"),
        ("sandbox_memory_mb", 150, "MiB at once, and all versions together have 150"),
    ],
)
def test_a_version_above_the_operators_caps_leaves_the_old_one_serving_and_says_why(
    registry: Registry, registry_stub: RegistryServiceStub, tmp_path: Path, setting: str, most: int, said: str
) -> None:
    name = new_name()
    good = serve(registry_stub, files(name, limits="memory_mb = 64"))
    service = Service(tmp_path / "data", registry=registry.address, tasks=name, **{setting: most}).start()
    try:
        stub = service.stub()
        wait_for(stub, good)
        greedy = push_version(registry_stub, files(name, limits="memory_mb = 200\ntime_ms = 200"))
        promote(registry_stub, greedy)
        failing = {"task": name, "alias": "production", "reason": "ABOVE_CAPS"}
        until(lambda: service.total("labelwright_reload_failing", **failing) == greedy.number)
        assert stub.Label(pb.LabelRequest(task=name, text="x")).served.digest == good.digest
        logged = service.events("version does not load; the one before goes on serving")[0]
        assert said in logged["above"]
        with pytest.raises(grpc.RpcError) as refused:
            stub.Label(pb.LabelRequest(task=name, version=greedy.number, text="x"))
        assert from_rpc_error(refused.value).reason == "ABOVE_CAPS"
        assert service.total("labelwright_sandbox_memory_bytes") > 0
    finally:
        service.stop()


def test_many_who_ask_for_a_cold_version_at_once_load_it_once(
    registry_stub: RegistryServiceStub, service: Service, stub: LabelServiceStub
) -> None:
    name = new_name()
    wait_for(stub, serve(registry_stub, constant(name, "ham")))
    cold = push_version(registry_stub, constant(name, "spam"))
    before = service.total("labelwright_loaded_versions")
    with ThreadPoolExecutor(16) as pool:
        request = pb.LabelRequest(task=name, version=cold.number, text="x")
        replies = list(pool.map(lambda _: stub.Label(request, timeout=30), range(16)))
    assert {reply.labeling.label for reply in replies} == {"spam"}
    assert service.total("labelwright_loaded_versions") <= before + 1


def test_loaded_versions_are_bounded(registry: Registry, registry_stub: RegistryServiceStub, tmp_path: Path) -> None:
    name = new_name()
    live = serve(registry_stub, constant(name, "ham"))
    cold = [
        push_version(registry_stub, files(name, only=f"N = {n}\ndef label(text): return 'spam'\n")) for n in range(4)
    ]
    service = Service(tmp_path / "data", registry=registry.address, loaded_versions=2, tasks=name).start()
    try:
        stub = service.stub()
        wait_for(stub, live)
        for version in cold:
            assert stub.Label(pb.LabelRequest(task=name, version=version.number, text="x")).served == pb.ServedVersion(
                task=name, version=version.number, digest=version.digest
            )
        assert service.total("labelwright_loaded_versions") == 3
        assert stub.Label(pb.LabelRequest(task=name, text="x")).labeling.label == "ham"
    finally:
        service.stop()


def test_an_alias_that_is_removed_is_gone_and_so_are_its_series(
    registry_stub: RegistryServiceStub, service: Service, stub: LabelServiceStub, tmp_path: Path
) -> None:
    name = new_name()
    version = push_version(registry_stub, constant(name, "ham"))
    promote(registry_stub, version, "candidate")
    wait_for(stub, version, "candidate")
    stub.Label(pb.LabelRequest(task=name, alias="candidate", text="x"))
    assert name in str(service.scrape())
    registry_stub.DeleteAlias(
        registry_service_pb2.DeleteAliasRequest(task=name, alias="candidate", actor="test", reason="a test")
    )

    def gone() -> bool:
        try:
            stub.Label(pb.LabelRequest(task=name, alias="candidate", text="x"))
        except grpc.RpcError as error:
            return error.code() is grpc.StatusCode.NOT_FOUND
        return False

    until(gone)
    until(lambda: name not in str(service.scrape()))
