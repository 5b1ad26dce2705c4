from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from labelwright.core.recent import MAX_MEMBER_BYTES, RecentSample, read_recent
from labelwright.core.wire.messages import record_to_message
from labelwright.v1 import label_service_pb2 as pb
from labelwright.v1 import registry_service_pb2
from labelwright.v1.registry_service_pb2_grpc import RegistryServiceStub

from tests.parts.redis import Redis
from tests.parts.registry import Registry
from tests.parts.service import Service, until
from tests.service.bundles import PRIZE, SAMPLED, files, new_name, promote, push_version, serve, wait_for

RECORDS, SECONDS = 50, 720 * 3600


@pytest.fixture(scope="module")
def version(registry_stub: RegistryServiceStub) -> registry_service_pb2.Version:
    return serve(registry_stub, files(new_name(), limits=f"record_bytes = 200000\n{SAMPLED}"))


@pytest.fixture
def sampling(
    registry: Registry, redis_server: Redis, version: registry_service_pb2.Version, tmp_path: Path
) -> Iterator[Service]:
    """A service that uses Redis for the sample alone."""
    process = service_with(registry, redis_server, tmp_path / "one", version.task)
    wait_for(process.stub(), version)
    yield process
    assert process.stop() == 0


def service_with(registry: Registry, server: Redis, folder: Path, tasks: str, **settings: object) -> Service:
    return Service(
        folder, registry=registry.address, redis_url=server.url, redis_mode="off", tasks=tasks, **settings
    ).start()


def label(service: Service, task: str, texts: list[str], **selector: Any) -> pb.LabelBatchResponse:
    return service.stub().LabelBatch(pb.LabelBatchRequest(task=task, texts=texts, **selector), timeout=20)


def kept(server: Redis, task: str) -> list[str]:
    return read_recent(server.client(), RecentSample(task, RECORDS, SECONDS), time.time())


def settled(server: Redis, task: str) -> bool:
    """Return whether the sample is full and does not change for a second."""
    before = kept(server, task)
    time.sleep(1)
    return len(before) == RECORDS and kept(server, task) == before


def packed(texts: list[str]) -> list[str]:
    return [json.dumps([text], ensure_ascii=False) for text in texts]


def test_the_sample_has_each_record_as_often_as_traffic_whichever_process_saw_it(
    registry: Registry,
    redis_server: Redis,
    sampling: Service,
    version: registry_service_pb2.Version,
    tmp_path: Path,
) -> None:
    other = service_with(registry, redis_server, tmp_path / "two", version.task, workers=2)
    texts = [f"record \N{SNOWMAN} {number}" for number in range(400)]
    try:
        wait_for(other.stub(), version)
        for start in range(0, 400, 20):
            label(sampling, version.task, [*texts[start : start + 10], *["campaign"] * 90])
            label(other, version.task, [*texts[start + 10 : start + 20], *["campaign"] * 90])
        until(lambda: settled(redis_server, version.task))
        assert all(
            service.total("labelwright_recent_records_total", result="kept") > 0 for service in (sampling, other)
        )
    finally:
        assert other.stop() == 0
    found = kept(redis_server, version.task)
    # Ten in a hundred are others; within five standard deviations of such a draw.
    assert found.count(packed(["campaign"])[0]) == pytest.approx(0.9 * RECORDS, abs=5 * math.sqrt(0.09 * RECORDS))
    assert {*found} <= {*packed([*texts, "campaign"])}
    client = redis_server.client()
    (key,) = client.keys()
    assert client.zcard(key) == RECORDS
    assert client.info("keyspace")["db0"]["expires"] == 1
    assert (client.memory_usage(key, samples=0) or 0) < RECORDS * 200
    assert SECONDS * 7 / 8 - 10 < client.ttl(key) <= SECONDS
    assert sampling.total("labelwright_recent_records_total", result="dropped") == 0


def test_only_valid_records_that_production_answers_are_kept_and_those_from_memory_too(
    registry_stub: RegistryServiceStub, redis_server: Redis, sampling: Service, version: registry_service_pb2.Version
) -> None:
    task, stub = version.task, sampling.stub()
    other = push_version(registry_stub, files(task, limits=f"record_bytes = 200000\n{SAMPLED}", prize=PRIZE))
    promote(registry_stub, other, "other")
    wait_for(stub, other, "other")
    label(sampling, task, ["another version, by number"], version=other.number)
    label(sampling, task, ["another version, by alias"], alias="other")
    label(sampling, task, ["production, by number"], version=version.number)
    stub.LabelBatch(pb.LabelBatchRequest(task=task, records=[record_to_message({"wrong": 1})]))
    with pytest.raises(grpc.RpcError):
        stub.Label(pb.LabelRequest(task=task, text="x" * 300_000))
    reply = stub.Label(pb.LabelRequest(task=task, text="production, by number"))
    assert reply.labeling.source == pb.SOURCE_MEMORY
    label(sampling, task, ["x" * MAX_MEMBER_BYTES])
    request = pb.LabelRequest(task=task, alias="production", text="streamed")
    list(stub.LabelStream(iter([pb.LabelStreamRequest(request=request)])))
    until(lambda: set(kept(redis_server, task)) == set(packed(["production, by number", "streamed"])))
    assert sampling.total("labelwright_recent_records_total", result="too_large") == 1


def test_tasks_that_do_not_ask_leave_nothing_in_redis(
    registry: Registry, registry_stub: RegistryServiceStub, redis_server: Redis, tmp_path: Path
) -> None:
    silent, asking = serve(registry_stub, files(new_name())), serve(registry_stub, files(new_name(), limits=SAMPLED))
    service = service_with(registry, redis_server, tmp_path / "data", f"{silent.task},{asking.task}")
    try:
        for version in (silent, asking):
            wait_for(service.stub(), version)
            label(service, version.task, [f"record of {version.task}"])
        until(lambda: kept(redis_server, asking.task))
        assert all(asking.task in key.decode() for key in redis_server.client().scan_iter())
    finally:
        service.stop()


def test_redis_paused_and_lost_harms_no_request_and_the_sample_comes_back(
    redis_server: Redis, sampling: Service, version: registry_service_pb2.Version
) -> None:
    def results(result: str) -> float:
        return sampling.total("labelwright_recent_records_total", result=result)

    def campaign_is_kept() -> bool:
        label(sampling, version.task, ["secret campaign"] * 300)
        return packed(["secret campaign"])[0] in kept(redis_server, version.task)

    until(campaign_is_kept)
    for hurt, heal in ((redis_server.pause, redis_server.resume), (redis_server.stop, redis_server.start)):
        hurt()
        before = results("failed"), results("dropped")
        number = 0
        while results("failed") == before[0] or results("dropped") == before[1]:
            reply = label(sampling, version.task, [f"secret words again {number + index}" for index in range(300)])
            assert len(reply.outcomes) == 300
            number += 300
        heal()
        redis_server.client().flushall()
        until(campaign_is_kept)
    assert sampling.events("recent records are not kept until redis answers again")
    assert sampling.events("recent records are kept again")
    assert "secret" not in sampling.log.read_text()
