from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis as redis_client
from labelwright.client import Registry, Review, RunClient

from tests.parts.redis import Redis
from tests.parts.registry import Registry as RegistryProcess
from tests.parts.worker import Worker
from tests.worker.recorded_llm import RecordedLlm, recorded_llm


@pytest.fixture(scope="session")
def registry_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryProcess]:
    process = RegistryProcess(tmp_path_factory.mktemp("registry") / "data").start()
    yield process
    process.stop()


@pytest.fixture(scope="session")
def registry(registry_process: RegistryProcess) -> Iterator[Registry]:
    with Registry(registry_process.address) as client:
        yield client


@pytest.fixture(scope="session")
def runs(registry_process: RegistryProcess) -> Iterator[RunClient]:
    with RunClient(registry_process.address) as client:
        yield client


@pytest.fixture(scope="session")
def redis_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    process = Redis(tmp_path_factory.mktemp("redis")).start()
    yield process
    process.stop()


@pytest.fixture(scope="session")
def redis(redis_process: Redis) -> Iterator[redis_client.Redis]:
    with redis_process.client() as client:
        yield client


@pytest.fixture
def llm() -> Iterator[RecordedLlm]:
    with recorded_llm() as opened:
        yield opened


@pytest.fixture
def new_worker(
    registry_process: RegistryProcess, runs: RunClient, redis_process: Redis, llm: RecordedLlm, tmp_path: Path
) -> Iterator[Callable[..., Worker]]:
    """Starts workers in a hurry, and ends those that a test has left."""
    processes: list[Worker] = []

    def start(**settings: object) -> Worker:
        all_settings = {
            "registry": registry_process.address,
            "redis_url": redis_process.url,
            "poll_s": 0.2,
            "lease_s": 2,
            "retry_s": 0.2,
            "programs": 4,
            "author": "small",
            "name": f"worker-{len(processes)}",
            **settings,
        }
        processes.append(Worker(tmp_path / f"worker-{len(processes)}", synthesis=llm.settings, **all_settings))
        return processes[-1].start()

    yield start
    for worker in processes:
        if worker.running:
            worker.kill()
    for run in runs.list(open=True):  # of a test that failed: the next one must not find it
        runs.review(run.id, Review.CANCEL, actor="test", reason="the test is over")
