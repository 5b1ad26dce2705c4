from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from labelwright.client import Client, LabelwrightError, Registry, RunClient, Version
from labelwright.core.run import RunState

from tests.parts.prometheus import Prometheus
from tests.parts.registry import Registry as RegistryProcess
from tests.parts.service import Service
from tests.parts.worker import Worker
from tests.worker.handed_over import aliases, hand_over
from tests.worker.recorded_llm import RECORDS, SPAM
from tests.worker.tasks import bundle_files, push, weak_task
from tests.worker.waiting import story, wait_for

NewWorker = Callable[..., Worker]
ALL = tuple(sorted(path.stem for path in (SPAM / "bundle" / "programs").glob("*.py")))
BREAKS = b"""\
def label(text):
    \"\"\"Is fine until a word comes that nobody has seen before.\"\"\"
    return ["spam", "ham"][2] if "zebra" in text else None
"""
WATCHED: dict[str, Any] = {"shadow_records": "50", "watch_minutes": "30"}


class Traffic:
    """Sends records to a label service until it is stopped."""

    def __init__(self, service: Service, task: str) -> None:
        self.texts = RECORDS[:100]
        self._address, self._task = service.address, task
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._send, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def _send(self) -> None:
        with Client(self._address) as client:
            while not self._over.wait(0.1):
                with contextlib.suppress(LabelwrightError):  # it has not heard of the task yet
                    client.label_batch(self._task, self.texts)


@pytest.fixture
def service(registry_process: RegistryProcess, tmp_path: Path) -> Iterator[Service]:
    started = Service(
        tmp_path / "service", registry=registry_process.address, shadow_share="1", memory_cache_entries=0
    ).start(serving=False)
    yield started
    started.stop()


@pytest.fixture
def prometheus(service: Service, tmp_path: Path) -> Iterator[Prometheus]:
    started = Prometheus(tmp_path, {"service": [service.metrics_address]}).start()
    yield started
    started.stop()


def gold_of(registry: Registry, base: Version) -> list[int]:
    return [row.label or 0 for row in registry.download(base.task).bundle.gold]


def test_a_version_that_breaks_on_live_traffic_is_rolled_back(
    registry: Registry, runs: RunClient, service: Service, prometheus: Prometheus, new_worker: NewWorker
) -> None:
    base = weak_task(registry, **WATCHED)
    files = bundle_files(base.task, ALL, **WATCHED) | {"programs/breaks.py": BREAKS}
    run = hand_over(runs, base, files, unseen=gold_of(registry, base))
    traffic = Traffic(service, base.task)
    try:
        worker = new_worker(prometheus_url=prometheus.url)
        promoted = wait_for(runs, run.id, RunState.PROMOTED)
        shadow = next(step for step in promoted.steps if step.state is RunState.APPROVED).facts["shadow"]
        assert isinstance(shadow, dict)
        assert shadow["records"] >= 50
        assert shadow["errors"] == 0
        assert shadow["labeled"] > shadow["base_labeled"]
        assert 0 < shadow["agreements"] < shadow["records"]
        traffic.texts = [f"{text} zebra" for text in RECORDS[100:200]]
        run = wait_for(runs, run.id)
    finally:
        traffic.stop()
    assert run.state is RunState.ROLLED_BACK, story(run)
    assert "program error rise" in run.steps[-1].message
    assert aliases(registry, base.task) == {"production": base.number}
    (move,) = registry.history(base.task, alias="production", limit=1)
    assert move.rollback
    assert "program error rise" in move.reason
    assert worker.total("labelwright_refresh_runs_total", task=base.task, outcome="rolled_back") == 1


@pytest.mark.parametrize(("back", "state"), [(True, RunState.ROLLED_BACK), (False, RunState.CANCELLED)])
def test_a_person_who_moves_production_ends_the_watch(
    registry: Registry, runs: RunClient, prometheus: Prometheus, new_worker: NewWorker, back: bool, state: RunState
) -> None:
    settings = {**WATCHED, "shadow_records": "0"}
    base = weak_task(registry, **settings)
    other = push(registry, bundle_files(base.task, ("prize",)))
    run = hand_over(runs, base, bundle_files(base.task, ALL, **settings), unseen=gold_of(registry, base))
    new_worker(prometheus_url=prometheus.url)
    wait_for(runs, run.id, RunState.PROMOTED)
    if back:
        registry.rollback(base.task, actor="ada", reason="my own")
    else:
        registry.set_alias(base.task, other.number, actor="ada", reason="my own", override=True)
    run = wait_for(runs, run.id)
    assert run.state is state, story(run)
    assert "moved by ada (my own)" in run.steps[-1].message
