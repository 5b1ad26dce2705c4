from __future__ import annotations

from collections.abc import Callable

import redis as redis_client
from assay.client import Registry, RunClient
from assay.core.run import RunState

from tests.parts.worker import Worker
from tests.worker.recorded_llm import RecordedLlm
from tests.worker.tasks import fill_sample, weak_task
from tests.worker.waiting import refresh, story, wait_for


def test_a_person_asks_for_a_refresh_and_a_better_version_becomes_production(
    registry: Registry,
    runs: RunClient,
    redis: redis_client.Redis,
    llm: RecordedLlm,
    new_worker: Callable[..., Worker],
) -> None:
    base = weak_task(registry)
    fill_sample(redis, registry.download(base.task).bundle.task)
    worker = new_worker()
    run = wait_for(runs, refresh(runs, base.task).id)
    assert worker.stop() == 0
    print(story(run), run.cost)
    assert run.state is RunState.SUCCEEDED, story(run)
