"""The drift worker as a process of its own, as an operator runs it, on free loopback ports."""

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

from prometheus_client.parser import text_string_to_metric_families

from tests.parts.server_process import start_server

_START_SECONDS = 120


class Worker:
    """A worker; ``settings`` are names of docs/worker.md in lower case, without the prefix.

    ``synthesis`` are those of docs/synthesis.md, such as the LLM's name and address.
    """

    def __init__(self, data_dir: Path, *, synthesis: dict[str, object] | None = None, **settings: object) -> None:
        self.data_dir = data_dir
        self.settings: dict[str, object] = {"metrics_listen": "127.0.0.1:0", **settings}
        self.synthesis = synthesis or {}
        self.log = data_dir.with_name(f"{data_dir.name}.log")
        self.metrics_address = ""
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Worker:
        """Start the process and wait until it is ready. Raises RuntimeError with its output where it ends instead.

        Started again, it goes on with its log.
        """
        self.log.parent.mkdir(parents=True, exist_ok=True)
        before = len(self.events("ready"))
        self._process = start_server([sys.executable, "-m", "labelwright.worker"], self.log, env=self._environment())
        deadline = time.monotonic() + _START_SECONDS
        while len(ready := self.events("ready")) == before:
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(self.log.read_text())
            time.sleep(0.05)
        self.metrics_address = ready[-1]["address"]
        return self

    def stop(self) -> int:
        """Ask it to end, as an orchestrator does, and return its exit code."""
        return self._end(signal.SIGTERM)

    def kill(self) -> int:
        """Kill it, as a lost machine would."""
        return self._end(signal.SIGKILL)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process has not ended yet."""
        return self._process is not None and self._process.poll() is None

    def scrape(self) -> dict[str, list[tuple[dict[str, str], float]]]:
        """Return each metric's samples: labels and value, by the sample's name."""
        with urllib.request.urlopen(f"http://{self.metrics_address}/metrics", timeout=10) as reply:
            text = reply.read().decode()
        found: dict[str, list[tuple[dict[str, str], float]]] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                found.setdefault(sample.name, []).append((sample.labels, sample.value))
        return found

    def total(self, metric: str, **labels: str) -> float:
        """Return the sum of a metric's samples with these labels."""
        return sum(value for found, value in self.scrape().get(metric, []) if labels.items() <= found.items())

    def events(self, name: str) -> list[dict[str, Any]]:
        """Return the log lines of this event so far."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        parsed = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]
        return [event for event in parsed if event.get("event") == name]

    def _environment(self) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("LABELWRIGHT_", "OPENAI_"))}
        worker = {f"LABELWRIGHT_WORKER_{name.upper()}": str(value) for name, value in self._all_settings().items()}
        synthesis = {f"LABELWRIGHT_SYNTHESIS_{name.upper()}": str(value) for name, value in self.synthesis.items()}
        return {**clean, **worker, **synthesis}

    def _all_settings(self) -> dict[str, object]:
        return {"data_dir": self.data_dir, **self.settings}

    def _end(self, number: int) -> int:
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(number)
        return self._process.wait(timeout=60)
