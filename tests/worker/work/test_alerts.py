from __future__ import annotations

import itertools
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from labelwright.client import Registry, RunClient
from labelwright.core.run import Run, RunState, Trigger

from tests.parts.prometheus import Prometheus
from tests.parts.service import until
from tests.parts.worker import Worker
from tests.worker.handed_over import hand_over
from tests.worker.tasks import bundle_files, new_name, serve, weak_task
from tests.worker.waiting import refresh, wait_for

NewWorker = Callable[..., Worker]
RULES = """\
groups:
  - name: test
    rules:
      - alert: LabelwrightLabelDrift
        expr: vector(1)
        labels: {{ task: {task}, kind: drift }}
      - alert: LabelwrightOther
        expr: vector(1)
        labels: {{ task: {task}, kind: ops }}
"""


@pytest.fixture
def firing(tmp_path: Path) -> Iterator[Callable[[str], Prometheus]]:
    """Starts a Prometheus in which an alert of drift of a task fires."""
    started: list[Prometheus] = []

    def start(task: str) -> Prometheus:
        rules = tmp_path / "rules.yml"
        rules.write_text(RULES.format(task=task))
        started.append(Prometheus(tmp_path, rules=[rules]).start())
        return started[-1]

    yield start
    for prometheus in started:
        prometheus.stop()


def of_task(runs: RunClient, task: str) -> list[Run]:
    return list(runs.list(task))


def test_an_alert_opens_one_run_whoever_sees_it_and_failures_end_that(
    registry: Registry, runs: RunClient, firing: Callable[[str], Prometheus], new_worker: NewWorker
) -> None:
    task = serve(registry, bundle_files(new_name())).task  # no record of it is in Redis: every run fails
    prometheus = firing(task)
    workers = [new_worker(prometheus_url=prometheus.url, max_failures=2) for _ in range(2)]
    until(lambda: sum(worker.total("labelwright_refresh_alerts_total", result="failures") for worker in workers) > 2)
    found = of_task(runs, task)
    assert [run.state for run in found] == [RunState.FAILED] * 2
    assert {run.trigger for run in found} == {Trigger.ALERT}
    first, second = (run.trigger_key for run in reversed(found))
    assert first.removesuffix("#1") == second.removesuffix("#2")
    assert "LabelwrightLabelDrift is active since" in found[0].reason
    assert "at least 50 are needed" in runs.get(found[0].id).steps[-1].message
    wait_for(runs, refresh(runs, task).id)
    until(lambda: len(of_task(runs, task)) == 4)  # a person asked, so alerts get another chance
    assert all("LabelwrightOther" not in run.reason for run in of_task(runs, task))


def test_an_alert_waits_for_the_cooldown(
    registry: Registry,
    runs: RunClient,
    firing: Callable[[str], Prometheus],
    new_worker: NewWorker,
) -> None:
    task = serve(registry, bundle_files(new_name(), cooldown_minutes="60")).task
    worker = new_worker(prometheus_url=firing(task).url)
    until(lambda: worker.total("labelwright_refresh_alerts_total", task=task, result="cooldown") > 2)
    assert len(of_task(runs, task)) == 1


def test_a_task_that_keeps_no_sample_is_not_refreshed(
    registry: Registry, runs: RunClient, firing: Callable[[str], Prometheus], new_worker: NewWorker
) -> None:
    task = serve(registry, bundle_files(new_name(), sample="false")).task
    worker = new_worker(prometheus_url=firing(task).url)
    until(lambda: worker.total("labelwright_refresh_alerts_total", task=task, result="no_sample") > 2)
    assert of_task(runs, task) == []
    assert len([event for event in worker.events("alert") if event["task"] == task]) == 1


def test_prometheus_may_go_and_come_back(
    registry: Registry, runs: RunClient, firing: Callable[[str], Prometheus], new_worker: NewWorker
) -> None:
    base = weak_task(registry, shadow_records="5")
    run = hand_over(runs, base, bundle_files(base.task, ("prize",), shadow_records="5"))
    prometheus = firing("no-such-task")
    prometheus.stop()
    worker = new_worker(prometheus_url=prometheus.url, shadow_minutes=0.01)
    wait_for(runs, run.id, RunState.SHADOWING)
    until(lambda: worker.total("labelwright_refresh_poll_failures_total", part="prometheus") > 1)
    until(lambda: any(event["state"] == "shadowing" for event in worker.events("away")))
    assert runs.get(run.id).state is RunState.SHADOWING
    assert [event["part"] for event in worker.events("cannot poll")] == ["prometheus"]
    prometheus.start()
    run = wait_for(runs, run.id)
    assert "only 0 records came for the shadow" in run.steps[-1].message
    until(lambda: worker.total("labelwright_refresh_alerts_total", result="unknown") > 0)
    assert worker.total("labelwright_refresh_alerts_total", task="_other") > 0


_fingerprints = (f"{number:016x}" for number in itertools.count(1))


def alert(task: str, fingerprint: str = "", **fields: object) -> dict[str, object]:
    return {
        "status": "firing",
        "labels": {"alertname": "LabelwrightLabelDrift", "task": task, "kind": "drift"},
        "annotations": {"summary": "x"},
        "startsAt": "2026-05-01T10:00:00.123Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "",
        "fingerprint": fingerprint or next(_fingerprints),
        **fields,
    }


def post(address: str, body: bytes | dict[str, object], path: str = "/alerts") -> tuple[int, str]:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(f"http://{address}{path}", content, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=10) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def message(*alerts: dict[str, object]) -> dict[str, object]:
    return {"version": "4", "groupKey": "x", "receiver": "labelwright", "status": "firing", "alerts": list(alerts)}


def test_the_webhook_opens_a_run_once(registry: Registry, runs: RunClient, new_worker: NewWorker) -> None:
    task = serve(registry, bundle_files(new_name(), cooldown_minutes="60")).task
    worker = new_worker(webhook_listen="127.0.0.1:0")
    address = worker.events("ready")[-1]["webhook_address"]
    sent = message(alert(task, "00ff"), alert(task, status="resolved"), alert("no-such-task"), alert("", "aa"))
    status, answer = post(address, sent)
    assert status == 200
    assert set(json.loads(answer).values()) == {"opened", "unknown"}
    wait_for(runs, of_task(runs, task)[0].id)
    assert json.loads(post(address, sent)[1])["00ff"] == "cooldown"
    (run,) = of_task(runs, task)
    assert run.trigger_key == "00ff@1777629600#1"
    assert "since 2026-05-01 10:00 UTC" in run.reason


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no JSON",
        b"[]",
        b"[" * 100_000,
        b"\xff\xfe",
        b'{"version": "3", "alerts": []}',
        json.dumps(message(alert("x", "not hexadecimal"))).encode(),
        json.dumps(message(alert("x", startsAt="yesterday"))).encode(),
        json.dumps(message(alert("x", labels={}))).encode(),
        json.dumps(message(*[alert("x")] * 1001)).encode(),
    ],
)
def test_what_alertmanager_would_not_send_is_refused(hook: str, body: bytes) -> None:
    status, answer = post(hook, body)
    assert status == 400
    assert "Traceback" not in answer
    assert len(answer) < 500


def test_other_paths_and_large_bodies_are_refused(hook: str) -> None:
    assert post(hook, message(), "/metrics")[0] == 404
    assert post(hook, b"x" * (1 << 20) + b"x")[0] == 413
    with pytest.raises(urllib.error.HTTPError, match="405"):
        urllib.request.urlopen(f"http://{hook}/alerts", timeout=10)


@pytest.fixture(scope="module")
def hook(tmp_path_factory: pytest.TempPathFactory, registry: Registry) -> Iterator[str]:
    """The address of a webhook whose registry is away."""
    worker = Worker(
        tmp_path_factory.mktemp("hook") / "worker", webhook_listen="127.0.0.1:0", registry="127.0.0.1:1"
    ).start()
    yield worker.events("ready")[-1]["webhook_address"]
    assert worker.stop() == 0
