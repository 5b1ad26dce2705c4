from __future__ import annotations

import itertools
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from labelwright.client import Registry, RunClient
from labelwright.core.errors import Unavailable
from labelwright.core.run import Run, RunState, Trigger
from labelwright.worker.prometheus import Prometheus as PrometheusClient

from tests.parts.prometheus import Prometheus
from tests.parts.registry import Registry as RegistryProcess
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


MALFORMED = [
    pytest.param({"fingerprint": "not hexadecimal"}, "fingerprint", id="fingerprint"),
    pytest.param({"startsAt": "yesterday"}, "startsAt", id="no time"),
    pytest.param({"startsAt": "0001-01-01T00:00:00"}, "startsAt", id="no time zone"),
    pytest.param({"labels": {}}, "labels.alertname", id="no name"),
    pytest.param({"status": "secret"}, "status", id="status"),
]


@pytest.mark.parametrize(("fields", "place"), MALFORMED)
def test_a_malformed_alert_costs_the_others_of_its_message_nothing(
    taking: tuple[Worker, str], fields: dict[str, object], place: str
) -> None:
    worker, address = taking
    counted = worker.total("labelwright_refresh_alerts_total", task="_other", result="malformed")
    first, last = alert("no-such-task", "0a"), alert("no-such-task", "0b")
    status, answer = post(address, message(first, alert("x", **fields), 5, last))  # type: ignore[arg-type]
    assert status == 200
    content = json.loads(answer)
    left_out = content.pop("left_out")
    assert content == {"0a": "unknown", "0b": "unknown"}
    assert [found["index"] for found in left_out] == [1, 2]
    assert left_out[0]["reason"].startswith(place)
    assert worker.total("labelwright_refresh_alerts_total", task="_other", result="malformed") == counted + 2
    assert worker.events("malformed alerts left out")[-1]["left_out"] == left_out
    assert "secret" not in worker.log.read_text()


@pytest.fixture(scope="module")
def taking(tmp_path_factory: pytest.TempPathFactory, registry_process: RegistryProcess) -> Iterator[tuple[Worker, str]]:
    """A worker that takes the webhook, and the webhook's address."""
    worker = Worker(
        tmp_path_factory.mktemp("taking") / "worker",
        webhook_listen="127.0.0.1:0",
        registry=registry_process.address,
    ).start()
    yield worker, worker.events("ready")[-1]["webhook_address"]
    assert worker.stop() == 0


GOOD = {"metric": {"alertname": "LabelwrightLabelDrift", "task": "no-such-task"}, "value": [0, "1777629600"]}
BAD: tuple[object, ...] = (
    {},
    7,
    {"metric": None, "value": [0, "1"]},
    {**GOOD, "value": [0, "1e300"]},
    {**GOOD, "value": [0, "NaN"]},
    {**GOOD, "value": [0]},
    {**GOOD, "metric": {"task": ["secret"], "alertname": "x"}},
)


@contextmanager
def replying(result: object) -> Iterator[str]:
    """Serve this as the result of every query; yield the URL."""

    class Reply(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"status": "success", "data": {"result": result}}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Reply)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_malformed_series_costs_the_others_of_a_reply_nothing(new_worker: NewWorker) -> None:
    with replying([*BAD, GOOD]) as url:
        worker = new_worker(prometheus_url=url)
        until(lambda: worker.total("labelwright_refresh_alerts_total", task="_other", result="unknown") > 2)
        assert worker.running
        assert worker.total("labelwright_refresh_alerts_total", result="malformed") >= 2 * len(BAD)
        (event,) = worker.events("malformed alerts left out")
        assert event["count"] == len(BAD)
        assert event["left_out"][0].startswith("series 0: ")
        assert worker.total("labelwright_refresh_poll_failures_total", part="prometheus") == 0
        assert "secret" not in worker.log.read_text()


@pytest.mark.parametrize("result", [{}, "no list", None, 5])
def test_a_reply_that_is_none_is_an_outage(new_worker: NewWorker, result: object) -> None:
    with replying(result) as url:
        worker = new_worker(prometheus_url=url)
        until(lambda: worker.total("labelwright_refresh_poll_failures_total", part="prometheus") > 1)


def test_a_figure_that_cannot_be_read_is_no_figure() -> None:
    with (
        replying([{**GOOD, "value": [0, "many"]}]) as url,
        PrometheusClient(url) as prometheus,
        pytest.raises(Unavailable),
    ):
        prometheus.value("up")


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
