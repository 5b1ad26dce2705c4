from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis as redis_client
from labelwright.client import Registry, RunClient
from labelwright.core.run import RunState

from tests.parts.healthz import healthz
from tests.parts.redis import Redis
from tests.parts.registry import Registry as RegistryProcess
from tests.parts.service import until
from tests.parts.web_server import free_port
from tests.parts.worker import Worker
from tests.worker.recorded_llm import RecordedLlm
from tests.worker.tasks import fill_sample, weak_task
from tests.worker.waiting import refresh, story, wait_for

NewWorker = Callable[..., Worker]
SMALL = {"author": "small", "programs": 1, "direct_labels": 10, "judged_records": 10}


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[Redis]:
    process = Redis(tmp_path).start()
    yield process
    process.stop()


def test_an_llm_that_is_away_is_waited_for_and_costs_no_program(
    registry: Registry,
    runs: RunClient,
    redis: redis_client.Redis,
    llm: RecordedLlm,
    new_worker: NewWorker,
) -> None:
    base = weak_task(registry, gold=False)
    fill_sample(redis, registry.download(base.task).bundle.task)
    llm.endpoint.script = ["", *["error", "unauthorized"] * 3]
    worker = new_worker(**SMALL, retry_s=0.05)
    run = wait_for(runs, refresh(runs, base.task).id, RunState.SYNTHESIZED, RunState.SHADOWING)
    assert run.steps[2].facts["dropped"] == {}
    assert run.cost.calls == llm.answered.total() == len(llm.answered)
    assert len(worker.events("away")) == 6
    assert "HTTP status" in worker.events("away")[0]["reason"]


def test_what_stays_away_too_long_fails_the_run(
    registry: Registry, runs: RunClient, redis: redis_client.Redis, llm: RecordedLlm, new_worker: NewWorker
) -> None:
    base = weak_task(registry, gold=False)
    fill_sample(redis, registry.download(base.task).bundle.task)
    llm.endpoint.script = ["error"] * 1000
    new_worker(**SMALL, give_up_h=1 / 3600)
    run = wait_for(runs, refresh(runs, base.task).id)
    assert run.state is RunState.FAILED
    assert "Given up after" in run.steps[-1].message
    assert "HTTP status 500" in run.steps[-1].message


def test_redis_may_go_and_come_back(
    registry: Registry, runs: RunClient, own_redis: Redis, new_worker: NewWorker
) -> None:
    base = weak_task(registry)
    with own_redis.client() as client:
        fill_sample(client, registry.download(base.task).bundle.task)
    own_redis.pause()
    worker = new_worker(redis_url=own_redis.url)
    run = refresh(runs, base.task)
    until(lambda: worker.events("away"))
    assert "Redis" in worker.events("away")[0]["reason"]
    assert runs.get(run.id).state is RunState.TRIGGERED
    own_redis.resume()
    wait_for(runs, run.id, RunState.SAMPLED, RunState.SYNTHESIZED)


def test_the_registry_may_go_and_come_back(tmp_path: Path, redis_process: Redis, llm: RecordedLlm) -> None:
    process = RegistryProcess(tmp_path / "registry", listen=f"127.0.0.1:{free_port()}").start()
    with Registry(process.address) as registry, RunClient(process.address) as runs, redis_process.client() as client:
        base = weak_task(registry, gold=False)
        fill_sample(client, registry.download(base.task).bundle.task)
        settings = {"poll_s": 0.2, "lease_s": 2, "retry_s": 0.1, **SMALL, "redis_url": redis_process.url}
        worker = Worker(
            tmp_path / "worker", synthesis=llm.settings, registry=process.address, name="w", **settings
        ).start()
        try:
            run = refresh(runs, base.task)
            until(lambda: llm.answered.total() > 5)
            assert process.stop() == 0
            until(lambda: worker.events("away") or worker.events("left"))
            process.start()
            run = wait_for(runs, run.id, RunState.SHADOWING, RunState.APPROVED, RunState.SUCCEEDED)
            assert run.candidate_version == 2, story(run)
            assert [version.number for version in registry.versions(base.task)] == [2, 1]
        finally:
            assert worker.stop() == 0
            process.stop()


def test_a_run_stays_within_the_days_budget(
    registry: Registry, runs: RunClient, redis: redis_client.Redis, llm: RecordedLlm, new_worker: NewWorker
) -> None:
    base = weak_task(registry, daily_tokens="4000")
    fill_sample(redis, registry.download(base.task).bundle.task)
    new_worker(programs=4, direct_labels=50)
    first = wait_for(runs, refresh(runs, base.task).id)
    assert first.state.is_end, story(first)
    assert 1000 < first.cost.tokens <= 4000
    assert "budget" in story(first)
    bundles = [registry.download(base.task, version=number).bundle for number in (1, first.candidate_version)]
    assert bundles[0].gold == bundles[1].gold
    spent = llm.answered.total()
    second = wait_for(runs, refresh(runs, base.task).id)
    assert second.state is RunState.FAILED
    assert first.cost.tokens + second.cost.tokens <= 4000
    assert llm.answered.total() - spent <= 1


def test_without_an_llm_a_run_says_what_is_missing(
    registry_process: RegistryProcess,
    registry: Registry,
    runs: RunClient,
    redis_process: Redis,
    redis: redis_client.Redis,
    tmp_path: Path,
) -> None:
    base = weak_task(registry)
    fill_sample(redis, registry.download(base.task).bundle.task)
    worker = Worker(
        tmp_path / "worker", registry=registry_process.address, redis_url=redis_process.url, poll_s=0.2
    ).start()
    try:
        run = wait_for(runs, refresh(runs, base.task).id)
    finally:
        assert worker.stop() == 0
    assert run.state is RunState.FAILED
    assert "Set OPENAI_API_KEY" in run.steps[-1].message


def test_without_recent_records_a_run_says_what_to_set(
    registry: Registry, runs: RunClient, new_worker: NewWorker
) -> None:
    base = weak_task(registry, sample="false")
    new_worker()
    run = wait_for(runs, refresh(runs, base.task).id)
    assert run.state is RunState.FAILED
    assert "[refresh] sample = true" in run.steps[-1].message


def test_a_worker_that_was_frozen_finds_its_run_taken_and_leaves_it(
    registry: Registry, runs: RunClient, redis: redis_client.Redis, llm: RecordedLlm, new_worker: NewWorker
) -> None:
    base = weak_task(registry, gold=False)
    fill_sample(redis, registry.download(base.task).bundle.task)
    llm.before_answer = lambda: time.sleep(0.2)
    frozen = new_worker(**SMALL, lease_s=1)
    run = refresh(runs, base.task)
    until(lambda: llm.answered.total() > 3)
    _signal(frozen, signal.SIGSTOP)
    other = new_worker(**SMALL)
    until(lambda: runs.get(run.id).lease_holder == "worker-1")
    _signal(frozen, signal.SIGCONT)
    until(lambda: frozen.events("left"))
    assert frozen.events("left")[0]["why"] == "LeaseLost"
    assert other.events("claimed")[0]["run"] == run.id
    assert runs.get(run.id).lease_holder == "worker-1"


def test_a_worker_that_is_asked_to_end_lets_its_run_go_at_once(
    registry: Registry, runs: RunClient, redis: redis_client.Redis, llm: RecordedLlm, new_worker: NewWorker
) -> None:
    base = weak_task(registry, gold=False)
    fill_sample(redis, registry.download(base.task).bundle.task)
    llm.before_answer = lambda: time.sleep(0.2)
    worker = new_worker(**SMALL, lease_s=3600)
    run = refresh(runs, base.task)
    until(lambda: llm.answered.total() > 3)
    assert healthz(worker.metrics_address) == 200
    llm.before_answer = lambda: time.sleep(2.0)
    _signal(worker, signal.SIGTERM)
    until(lambda: healthz(worker.metrics_address) == 503)
    assert worker.stop() == 0
    assert runs.get(run.id).lease_holder == ""
    assert not worker.data_dir.joinpath("worker.address").exists()


@pytest.mark.parametrize(
    ("setting", "phrase"),
    [
        ({"PROMETHEUS_URL": "ftp://secret@x"}, "LABELWRIGHT_WORKER_PROMETHEUS_URL"),
        ({"REDIS_URL": "secret"}, "LABELWRIGHT_WORKER_REDIS_URL"),
        ({"METRICS_LISTEN": "192.0.2.1:1"}, "LABELWRIGHT_WORKER_METRICS_LISTEN"),
    ],
)
def test_a_wrong_setting_is_one_clear_line(tmp_path: Path, setting: dict[str, str], phrase: str) -> None:
    environment = {"DATA_DIR": str(tmp_path), "METRICS_LISTEN": "127.0.0.1:0", **setting}
    done = subprocess.run(
        [sys.executable, "-m", "labelwright.worker"],
        capture_output=True,
        text=True,
        timeout=60,
        env={"PATH": "/usr/bin:/bin", **{f"LABELWRIGHT_WORKER_{name}": value for name, value in environment.items()}},
    )
    assert done.returncode == 2
    assert phrase in done.stderr
    assert "secret" not in done.stderr
    assert "Traceback" not in done.stderr


def _signal(worker: Worker, number: signal.Signals) -> None:
    import os

    os.kill(worker.pid, number)
