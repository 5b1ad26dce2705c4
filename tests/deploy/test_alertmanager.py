"""Who hears of what, by amtool and by a real Alertmanager, and whether the parts find each other."""

from __future__ import annotations

import json
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.parts.alertmanager import CONFIG, Alertmanager
from tests.parts.repository import ROOT
from tests.parts.server_process import find_program
from tests.parts.service import until

DEPLOY = ROOT / "deploy"
WEBHOOK = "http://127.0.0.1:7431/alerts"


@pytest.mark.parametrize(
    ("labels", "receivers"),
    [
        (("kind=drift", "task=spam", "alertname=LabelwrightLabelDrift"), "refresh-worker,people"),
        (("kind=ops", "alertname=LabelwrightServiceDown"), "people"),
        (("alertname=SomeoneElses",), "people"),
    ],
)
def test_routes(labels: tuple[str, ...], receivers: str) -> None:
    command = (find_program("amtool"), "config", "routes", "test", f"--config.file={CONFIG}", *labels)
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == receivers


@contextmanager
def listening() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Take webhooks and keep what they say."""
    heard: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/alerts", heard
    server.shutdown()
    server.server_close()


def test_the_worker_hears_of_each_drifting_task_by_itself_and_of_nothing_else(tmp_path: Path) -> None:
    with listening() as (url, heard):
        config = CONFIG.read_text()
        assert WEBHOOK in config
        quick = re.sub(r"group_wait: \d+s", "group_wait: 0s", config.replace(WEBHOOK, url))
        alertmanager = Alertmanager(tmp_path, quick).start()
        try:
            drift = {"alertname": "LabelwrightLabelDrift", "kind": "drift", "severity": "warning"}
            alertmanager.send({"alertname": "LabelwrightSlow", "kind": "ops", "severity": "warning"})
            alertmanager.send(drift | {"task": "spam"}, drift | {"task": "tickets"})
            until(lambda: len(heard) >= 2)
        finally:
            alertmanager.stop()
    assert sorted(message["groupLabels"]["task"] for message in heard) == ["spam", "tickets"]
    assert {alert["labels"]["kind"] for message in heard for alert in message["alerts"]} == {"drift"}


def test_no_secret_stands_in_the_configuration() -> None:
    keys = re.findall(
        r"^\s*-?\s*(\w*(?:password|token|secret|credentials|api_key|api_url)\w*):", CONFIG.read_text(), re.MULTILINE
    )
    assert [key for key in keys if not key.endswith("_file")] == []


def test_the_parts_of_the_compose_file_find_each_other() -> None:
    compose = (DEPLOY / "compose.yaml").read_text()
    prometheus = (DEPLOY / "prometheus" / "prometheus.yml").read_text()
    grafana = (DEPLOY / "grafana" / "provisioning" / "datasources" / "prometheus.yml").read_text()
    assert "LABELWRIGHT_WORKER_METRICS_LISTEN: 0.0.0.0:7402" in compose
    assert "names: [worker]\n        type: A\n        port: 7402" in prometheus
    assert "LABELWRIGHT_WORKER_WEBHOOK_LISTEN: 0.0.0.0:7431" in compose
    written = re.search(r"sed '(s#.*#.*#)'", compose)
    assert written
    done = subprocess.run(("sed", written[1], CONFIG), capture_output=True, text=True, check=True)
    assert "url: http://worker:7431/alerts" in done.stdout
    assert "targets: [alertmanager:9093]" in prometheus
    assert "url: http://prometheus:9090" in grafana
    for mounted in re.findall(r"- (\./[\w./-]+):/", compose):
        assert (DEPLOY / mounted).exists(), mounted
