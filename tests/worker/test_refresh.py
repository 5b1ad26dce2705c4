from __future__ import annotations

from collections.abc import Callable

import redis as redis_client
from labelwright.client import Registry, RunClient
from labelwright.core.run import RunState

from tests.parts.worker import Worker
from tests.worker.handed_over import aliases
from tests.worker.recorded_llm import RECORDS, RecordedLlm
from tests.worker.tasks import fill_sample, weak_task
from tests.worker.waiting import refresh, story, wait_for


def test_two_workers_make_one_new_version_of_one_run(
    registry: Registry,
    runs: RunClient,
    redis: redis_client.Redis,
    llm: RecordedLlm,
    new_worker: Callable[..., Worker],
) -> None:
    base = weak_task(registry, gold=False)
    before = registry.download(base.task).bundle
    fill_sample(redis, before.task)
    workers = [new_worker(direct_labels=200) for _ in range(2)]
    run = wait_for(runs, refresh(runs, base.task).id)
    tokens = sum(worker.total("labelwright_refresh_tokens_total", task=base.task) for worker in workers)
    assert [worker.stop() for worker in workers] == [0, 0]
    assert run.state is RunState.SUCCEEDED, story(run)
    assert aliases(registry, base.task) == {"production": 2}
    assert set(llm.answered.values()) == {1}
    assert run.cost.calls == len(llm.answered)
    assert run.cost.tokens == tokens
    assert run.cost.dollars
    after = registry.download(base.task).bundle
    assert after.task == before.task
    assert after.files["provenance.json"]
    # Without gold rows to choose by, what was there stays beside what is new.
    assert set(before.programs) < set(after.programs)
    assert run.steps[2].facts["of_production"] == list(before.program_names)
    assert any(name.startswith((f"r{run.id}_", "student_")) for name in after.program_names)
    logs = "".join(worker.log.read_text() for worker in workers)
    assert not any(text in logs for text in RECORDS)


def test_a_large_models_programs_come_beside_those_of_people(
    registry: Registry,
    runs: RunClient,
    redis: redis_client.Redis,
    llm: RecordedLlm,
    new_worker: Callable[..., Worker],
) -> None:
    base = weak_task(registry)
    before = registry.download(base.task).bundle
    fill_sample(redis, before.task)
    worker = new_worker(author="large", programs=3)
    run = wait_for(runs, refresh(runs, base.task).id)
    assert run.state is RunState.SUCCEEDED, story(run)
    after = registry.download(base.task).bundle
    assert set(before.programs) <= set(after.programs)
    assert any(name.startswith(f"r{run.id}_0") for name in after.program_names)
    assert "guide.md" in after.files
    assert run.cost.calls == len(llm.answered)
    # The next time it revises what it wrote. What people wrote stays, and a change that is no gain is not put live.
    again = wait_for(runs, refresh(runs, base.task).id)
    assert worker.stop() == 0
    assert again.state is RunState.REJECTED, story(again)
    revised = registry.download(base.task, version=3).bundle
    assert set(revised.program_names) <= set(after.program_names)
    changed = {program.name for program in revised.programs if "# Revised." in program.source}
    assert changed
    assert changed <= {name for name in after.program_names if name.startswith("r")}
    assert set(before.programs) <= set(revised.programs)
