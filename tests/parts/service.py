"""The label service as a process of its own, as an operator runs it, on free loopback ports."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from labelwright.v1 import label_service_pb2_grpc as pb_grpc
from prometheus_client.parser import text_string_to_metric_families

from tests.parts.server_process import start_server

_START_SECONDS = 120
"""The first start on a machine compiles the sandbox's runtime."""


class Service:
    """A label service; ``settings`` are names of docs/service.md in lower case, without the prefix."""

    def __init__(self, data_dir: Path, **settings: object) -> None:
        self.data_dir = data_dir
        self.settings: dict[str, object] = {"listen": "127.0.0.1:0", "metrics_listen": "127.0.0.1:0", **settings}
        self.address = ""
        self.metrics_address = ""
        self.log = data_dir.with_name(f"{data_dir.name}.log")
        self._process: subprocess.Popen[bytes] | None = None
        self._channels: list[grpc.Channel] = []

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self, serving: bool = True) -> Service:
        """Start the process and wait until it listens, and serves where ``serving``.

        Raises RuntimeError with its output where it ends instead.
        """
        self.spawn()
        deadline = time.monotonic() + _START_SECONDS
        while not (ready := self.events("ready")):
            if not self.running or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(self.log.read_text())
            time.sleep(0.02)
        self.address, self.metrics_address = ready[-1]["address"], ready[-1]["metrics_address"]
        if serving:
            until(lambda: self.health() == "SERVING")
        return self

    def spawn(self) -> subprocess.Popen[bytes]:
        """Start the process without waiting for anything."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.log.unlink(missing_ok=True)
        self._process = start_server([sys.executable, "-m", "labelwright.service"], self.log, env=self._environment())
        return self._process

    def stop(self) -> int:
        """Ask it to end, as an orchestrator does, and return its exit code."""
        return self._end(signal.SIGTERM)

    def kill(self) -> int:
        """Kill it, as a lost machine would."""
        return self._end(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end and do not wait."""
        os.kill(self.pid, signal.SIGTERM)

    def wait(self) -> int:
        """Return its exit code when it has ended."""
        assert self._process is not None
        return self._process.wait(timeout=60)

    @property
    def running(self) -> bool:
        """Whether the process has not ended yet."""
        return self._process is not None and self._process.poll() is None

    def channel(self) -> grpc.Channel:
        """Return a channel with a connection of its own."""
        channel = grpc.insecure_channel(
            self.address,
            options=(
                ("grpc.use_local_subchannel_pool", 1),
                ("grpc.max_send_message_length", -1),
                ("grpc.max_receive_message_length", -1),
                ("grpc.initial_reconnect_backoff_ms", 50),
                ("grpc.max_reconnect_backoff_ms", 200),
            ),
        )
        self._channels.append(channel)
        return channel

    def stub(self) -> pb_grpc.LabelServiceStub:
        """Return a stub on a channel of its own."""
        return pb_grpc.LabelServiceStub(self.channel())

    def health(self, name: str = "labelwright.v1.LabelService") -> str:
        """Return the status that a health check gives."""
        with grpc.insecure_channel(self.address, options=(("grpc.use_local_subchannel_pool", 1),)) as channel:
            reply = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=name), timeout=5)  # type: ignore[attr-defined]
            return health_pb2.HealthCheckResponse.ServingStatus.Name(reply.status)

    def scrape(self) -> dict[str, list[tuple[dict[str, str], float]]]:
        """Return each metric's samples: labels and value, by the sample's name."""
        with urllib.request.urlopen(f"http://{self.metrics_address}/metrics", timeout=10) as reply:
            text = reply.read().decode()
        found: dict[str, list[tuple[dict[str, str], float]]] = {}
        for family in text_string_to_metric_families(text):
            found.setdefault(family.name, [])
            for sample in family.samples:
                found.setdefault(sample.name, []).append((sample.labels, sample.value))
        return found

    def total(self, metric: str, **labels: str) -> float:
        """Return the sum of a metric's samples with these labels."""
        samples = self.scrape().get(metric, [])
        return sum(value for found, value in samples if labels.items() <= found.items())

    def events(self, name: str) -> list[dict[str, Any]]:
        """Return the log lines of this event so far."""
        lines = self.log.read_text().splitlines()
        parsed = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]
        return [event for event in parsed if event.get("event") == name]

    def _environment(self) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("LABELWRIGHT_SERVICE_")}
        settings = {"data_dir": self.data_dir, **self.settings}
        return {**clean, **{f"LABELWRIGHT_SERVICE_{name.upper()}": str(value) for name, value in settings.items()}}

    def _end(self, number: int) -> int:
        for channel in self._channels:
            channel.close()
        self._channels.clear()
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(number)
        return self._process.wait(timeout=60)


def until(condition: Any, seconds: float = 30.0) -> None:
    """Wait until the condition holds; fail where it does not in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if condition():
                return
        except (grpc.RpcError, OSError):
            pass
        time.sleep(0.02)
    raise AssertionError("what was waited for did not come")
