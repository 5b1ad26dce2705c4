"""A real Alertmanager as a process of its own, on a free loopback port."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any

from tests.parts.prometheus import find_program, free_port

CONFIG = Path(__file__).parents[2] / "deploy" / "alertmanager" / "alertmanager.yml"
"""The project's own configuration."""
_START_SECONDS = 60


class Alertmanager:
    """One server with this configuration (YAML text); it keeps its port and its data over a restart."""

    def __init__(self, folder: Path, config: str) -> None:
        self._folder = folder
        self._config = config
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Alertmanager:
        """Start it and wait until it answers. Raises RuntimeError with its log where it ends instead."""
        config = self._folder / "alertmanager.yml"
        config.write_text(self._config)
        options = (
            f"--config.file={config}",
            f"--storage.path={self._folder / 'alertmanager-data'}",
            f"--web.listen-address={self.address}",
            "--cluster.listen-address=",  # alone: no gossip port
        )
        log = self._folder / "alertmanager.log"
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [find_program("prometheus-alertmanager", "alertmanager"), *options], stdout=output, stderr=output
            )
        deadline = time.monotonic() + _START_SECONDS
        while not self._ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(log.read_text())
            time.sleep(0.05)
        return self

    def stop(self) -> None:
        """Ask it to end and wait."""
        assert self._process is not None
        if self._process.poll() is None:
            self._process.terminate()
        self._process.wait(timeout=60)

    def alerts(self) -> list[dict[str, Any]]:
        """Return the alerts that it holds."""
        with urllib.request.urlopen(f"http://{self.address}/api/v2/alerts", timeout=10) as reply:
            found = json.load(reply)
        assert isinstance(found, list)
        return found

    def send(self, *labels: dict[str, str]) -> None:
        """Give it alerts with these labels, as Prometheus does."""
        request = urllib.request.Request(
            f"http://{self.address}/api/v2/alerts",
            data=json.dumps([{"labels": found} for found in labels]).encode(),
            headers={"Content-Type": "application/json"},
        )
        urllib.request.urlopen(request, timeout=10).close()

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://{self.address}/-/ready", timeout=5) as reply:
                return bool(reply.status == 200)
        except OSError:
            return False
