from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
from labelwright.v1 import label_service_pb2 as pb
from labelwright.v1 import registry_service_pb2
from labelwright.v1.registry_service_pb2_grpc import RegistryServiceStub

from tests.parts.redis import Redis
from tests.parts.registry import Registry
from tests.parts.repository import ROOT
from tests.parts.service import Service, until
from tests.service.bundles import SAMPLED, files, new_name, serve, wait_for

PAGE = ROOT / "docs" / "service.md"
NOT_USED = "redis is not used until it answers again"
NOT_KEPT = "recent records are not kept until redis answers again"


@pytest.fixture(scope="module")
def version(registry_stub: RegistryServiceStub) -> registry_service_pb2.Version:
    return serve(registry_stub, files(new_name()))


@pytest.fixture
def cached(
    registry: Registry, redis_server: Redis, version: registry_service_pb2.Version, tmp_path: Path
) -> Iterator[Service]:
    """A service that has only Redis for a cache, and always asks it."""
    process = Service(
        tmp_path / "data",
        registry=registry.address,
        redis_url=redis_server.url,
        redis_mode="always",
        memory_cache_entries=0,
        tasks=version.task,
    ).start()
    wait_for(process.stub(), version)
    yield process
    assert process.stop() == 0


def sources(service: Service, task: str, texts: list[str]) -> set[int]:
    reply = service.stub().LabelBatch(pb.LabelBatchRequest(task=task, texts=texts), timeout=10)
    return {outcome.labeling.source for outcome in reply.outcomes}


def test_answers_come_back_from_redis_equal_and_with_their_votes(
    cached: Service, version: registry_service_pb2.Version, redis_server: Redis
) -> None:
    stub = cached.stub()
    texts = [f"prize number {number} for a long time" for number in range(50)] + ["short", "prize"]
    request = pb.LabelBatchRequest(task=version.task, texts=texts, explain=True)
    first = stub.LabelBatch(request)
    until(lambda: redis_server.client().dbsize() >= len(texts))
    second = stub.LabelBatch(request)
    assert {outcome.labeling.source for outcome in second.outcomes} == {pb.SOURCE_REDIS}
    for before, after in zip(first.outcomes, second.outcomes, strict=True):
        after.labeling.source = before.labeling.source
        assert before == after
    assert cached.total("labelwright_cache_lookups_total", layer="redis", result="hit") == len(texts)
    key = redis_server.client().keys()[0]
    assert 0 < redis_server.client().ttl(key) <= 86_400


def test_what_this_version_cannot_have_said_is_computed_anew(
    cached: Service, version: registry_service_pb2.Version, redis_server: Redis
) -> None:
    texts = ["short", "a prize for everybody who is here"]
    assert sources(cached, version.task, texts) == {pb.SOURCE_COMPUTED}
    client = redis_server.client()
    until(lambda: client.dbsize() == 2)
    for key, value in zip(client.keys(), (b"\x07\x00\x07\x00", b"nonsense"), strict=True):
        client.set(key, value)
    assert sources(cached, version.task, texts) == {pb.SOURCE_COMPUTED}


class Load(threading.Thread):
    """Labels new records until it is stopped; keeps failures and the longest wait."""

    def __init__(self, service: Service, task: str) -> None:
        super().__init__(daemon=True)
        self._stub, self._task = service.stub(), task
        self.answers = 0
        self.failures: list[str] = []
        self.seconds: list[float] = []
        self._done = threading.Event()

    def run(self) -> None:
        while not self._done.is_set():
            started = time.perf_counter()
            try:
                self._stub.Label(pb.LabelRequest(task=self._task, text=f"record {self.answers}"), timeout=10)
            except grpc.RpcError as error:
                self.failures.append(str(error))
            self.seconds.append(time.perf_counter() - started)
            self.answers += 1

    def finish(self) -> None:
        self._done.set()
        self.join()


def test_redis_paused_stopped_and_restarted_fails_no_request(
    cached: Service, version: registry_service_pb2.Version, redis_server: Redis
) -> None:
    def state() -> float:
        return cached.total("labelwright_redis_breaker_state")

    def hits() -> float:
        return cached.total("labelwright_cache_lookups_total", layer="redis")

    loads = [Load(cached, version.task) for _ in range(2)]
    for load in loads:
        load.start()
    until(lambda: hits() > 0)
    assert state() == 0
    for hurt, heal in ((redis_server.pause, redis_server.resume), (redis_server.stop, redis_server.start)):
        hurt()
        until(lambda: state() > 0)
        answered = loads[0].answers
        until(lambda before=answered: loads[0].answers > before + 20)
        heal()
        until(lambda: state() == 0)
        found = cached.total("labelwright_cache_lookups_total", layer="redis", result="miss")
        until(
            lambda before=found: cached.total("labelwright_cache_lookups_total", layer="redis", result="miss") > before
        )
    for load in loads:
        load.finish()
    assert [load.failures for load in loads] == [[], []]
    assert cached.total("labelwright_cache_lookups_total", layer="redis", result="error") >= 1
    assert cached.events("redis is not used until it answers again")
    assert cached.events("redis is back")


def test_a_service_starts_while_redis_is_away(
    registry: Registry, redis_server: Redis, version: registry_service_pb2.Version, tmp_path: Path
) -> None:
    redis_server.stop()
    service = Service(
        tmp_path / "data",
        registry=registry.address,
        redis_url=redis_server.url,
        redis_mode="always",
        tasks=version.task,
    ).start()
    try:
        wait_for(service.stub(), version)
        assert sources(service, version.task, ["short"]) == {pb.SOURCE_COMPUTED}
        redis_server.start()
        until(lambda: service.total("labelwright_redis_breaker_state") == 0)
        until(
            lambda: sources(service, version.task, [f"new {time.monotonic()}"]) and redis_server.client().dbsize() > 0
        )
    finally:
        service.stop()


def test_auto_asks_redis_where_it_is_cheaper_and_only_there(
    registry: Registry, redis_server: Redis, registry_stub: RegistryServiceStub, tmp_path: Path
) -> None:
    slow = "def label(text):\n    n = 0\n    for i in range(300_000):\n        n += i\n    return 'ham'\n"
    heavy = serve(registry_stub, files(new_name(), slow=slow, limits="time_ms = 2000"))
    light = serve(registry_stub, files(new_name()))
    service = Service(
        tmp_path / "data",
        registry=registry.address,
        redis_url=redis_server.url,
        redis_timeout_ms=500,
        memory_cache_entries=0,
        tasks=f"{heavy.task},{light.task}",
    ).start()
    try:
        stub = service.stub()
        for version in (heavy, light):
            wait_for(stub, version)
        heavy_request = pb.LabelRequest(task=heavy.task, text="x")
        stub.Label(heavy_request)
        until(lambda: redis_server.client().dbsize() > 0)
        assert {stub.Label(heavy_request).labeling.source for _ in range(5)} == {pb.SOURCE_REDIS}
        with busy(redis_server):
            for number in range(400):
                stub.Label(pb.LabelRequest(task=light.task, text=f"record {number}"))
        skipped = service.total("labelwright_cache_lookups_total", layer="redis", result="skipped")
        assert skipped > 300
        assert service.total("labelwright_redis_breaker_state") == 0
    finally:
        service.stop()


@contextmanager
def busy(server: Redis) -> Iterator[None]:
    """Keep Redis at work, so that every lookup waits for some milliseconds."""
    done = threading.Event()

    def work() -> None:
        client = server.client()
        while not done.is_set():
            client.eval("local n = 0 for i = 1, 500000 do n = n + i end return n", 0)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    yield
    done.set()
    thread.join()


def documented_rights() -> list[str]:
    """Return the rights that the page gives the label service's user of Redis."""
    (rights,) = re.findall(r"^ACL SETUSER label-service on >PASSWORD (.+)$", PAGE.read_text(), re.MULTILINE)
    return str(rights).split()


@pytest.fixture
def limited(
    registry: Registry, redis_server: Redis, registry_stub: RegistryServiceStub, tmp_path: Path
) -> Iterator[tuple[Service, str, Callable[..., str]]]:
    """A service whose user of Redis has no rights yet, its task, which keeps a sample, and what gives rights."""
    made = serve(registry_stub, files(new_name(), limits=SAMPLED))
    process = Service(
        tmp_path / "data",
        registry=registry.address,
        redis_url=redis_server.user("+@connection", "-ping"),
        redis_mode="always",
        memory_cache_entries=0,
        tasks=made.task,
    ).start()
    wait_for(process.stub(), made)
    yield process, made.task, redis_server.user
    assert process.stop() == 0


def refused(service: Service, event: str) -> list[str]:
    return [found["refused"] for found in service.events(event)]


def is_kept(service: Service, task: str, text: str = "a new record") -> bool:
    sources(service, task, [text])
    return service.total("labelwright_recent_records_total", result="kept") > 0


def test_rights_to_read_and_write_are_enough_for_answers_and_the_log_names_what_the_sample_lacks(
    limited: tuple[Service, str, Callable[..., str]], redis_server: Redis
) -> None:
    service, task, allow = limited
    until(lambda: refused(service, NOT_USED) == ["the command MGET"])
    allow("~*", "+@read", "+@write")
    until(lambda: sources(service, task, ["prize"]) == {pb.SOURCE_REDIS})
    assert service.total("labelwright_redis_breaker_state") == 0
    until(lambda: sources(service, task, ["prize"]) and refused(service, NOT_KEPT) == ["the command MULTI"])
    assert service.total("labelwright_recent_records_total", result="kept") == 0
    assert not [key for key in redis_server.client().scan_iter() if b"recent" in key]  # nothing outside a transaction
    allow("~*", "+@read", "+@write", "+multi", "+exec")
    until(lambda: is_kept(service, task))
    assert refused(service, NOT_USED) == ["the command MGET"]


def test_the_rights_of_the_page_are_enough_and_each_is_needed(
    limited: tuple[Service, str, Callable[..., str]], redis_server: Redis
) -> None:
    service, task, allow = limited
    rights = documented_rights()
    allow(*rights)
    until(lambda: sources(service, task, ["prize"]) == {pb.SOURCE_REDIS})
    until(lambda: is_kept(service, task))
    for missing in ("+multi", "+exec", "+zadd", "+zremrangebyrank", "+expire", "+zrange"):
        seen = len(service.events(NOT_KEPT))
        allow(*(right for right in rights if right != missing))
        until(lambda seen=seen: sources(service, task, ["secret 'run the' words"]) and service.events(NOT_KEPT)[seen:])
        assert refused(service, NOT_KEPT)[-1] == f"the command {missing[1:].upper()}"
        redis_server.client().flushall()
        failed = service.total("labelwright_recent_records_total", result="failed")
        until(
            lambda failed=failed: (
                sources(service, task, ["secret"])
                and service.total("labelwright_recent_records_total", result="failed") > failed
            )
        )
        assert not [key for key in redis_server.client().scan_iter() if b"recent" in key]
        kept = service.total("labelwright_recent_records_total", result="kept")
        allow(*rights)
        until(
            lambda kept=kept: (
                sources(service, task, ["prize"])
                and service.total("labelwright_recent_records_total", result="kept") > kept
            )
        )
    allow("~labelwright:1:*", *rights[1:])
    until(lambda: sources(service, task, ["secret"]) and refused(service, NOT_KEPT)[-1] == "a key")
    assert "secret" not in service.log.read_text()


def test_a_redis_that_takes_no_answers_is_asked_for_those_that_it_has(
    limited: tuple[Service, str, Callable[..., str]],
) -> None:
    service, task, allow = limited
    rights = documented_rights()
    allow(*rights)
    until(lambda: sources(service, task, ["prize"]) == {pb.SOURCE_REDIS})
    allow(*(right for right in rights if right != "+set"))
    used = len(service.events(NOT_USED))
    until(lambda: sources(service, task, ["prize"]) == {pb.SOURCE_REDIS})
    for number in range(10):
        assert sources(service, task, [f"other {number}"]) == {pb.SOURCE_COMPUTED}
    until(lambda: refused(service, "redis takes no answers") == ["the command SET"])
    assert sources(service, task, ["prize"]) == {pb.SOURCE_REDIS}
    assert len(service.events(NOT_USED)) == used
    assert service.total("labelwright_redis_writes_total", result="failed") > 0
    allow(*rights)
    until(lambda: sources(service, task, ["another"]) == {pb.SOURCE_REDIS})
    assert service.events("redis takes answers again")
