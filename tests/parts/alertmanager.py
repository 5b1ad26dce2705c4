"""A real Alertmanager as a process of its own, on a free loopback port."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any

from tests.parts.repository import ROOT
from tests.parts.server_process import find_program
from tests.parts.web_server import WebServer

CONFIG = ROOT / "deploy" / "alertmanager" / "alertmanager.yml"
"""The project's own configuration."""


class Alertmanager(WebServer):
    """One server with this configuration (YAML text); it keeps its port and its data over a restart."""

    def __init__(self, folder: Path, config: str) -> None:
        super().__init__()
        self._folder = folder
        self._config = config

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
        program = find_program("prometheus-alertmanager", "alertmanager")
        self.run([program, *options], self._folder / "alertmanager.log")
        return self

    def alerts(self) -> list[dict[str, Any]]:
        """Return the alerts that it holds."""
        with urllib.request.urlopen(f"{self.url}/api/v2/alerts", timeout=10) as reply:
            found = json.load(reply)
        assert isinstance(found, list)
        return found

    def send(self, *labels: dict[str, str]) -> None:
        """Give it alerts with these labels, as Prometheus does."""
        request = urllib.request.Request(
            f"{self.url}/api/v2/alerts",
            data=json.dumps([{"labels": found} for found in labels]).encode(),
            headers={"Content-Type": "application/json"},
        )
        urllib.request.urlopen(request, timeout=10).close()
