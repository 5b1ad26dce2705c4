"""A server of somebody else's, such as Prometheus, as a process of its own on a free loopback port."""

from __future__ import annotations

import socket
import subprocess
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from tests.parts.server_process import start_server

_START_SECONDS = 60
_STOP_SECONDS = 60


def free_port() -> int:
    """Return a loopback port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class WebServer:
    """One process that says at /-/ready when it is. It keeps its port over a restart."""

    def __init__(self) -> None:
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.address}"
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, command: Sequence[str], log: Path) -> None:
        """Start it and wait until it answers. Raises RuntimeError with its log where it ends instead."""
        self._process = start_server(command, log)
        deadline = time.monotonic() + _START_SECONDS
        while not self._ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(log.read_text())
            time.sleep(0.05)

    def stop(self) -> None:
        """Ask it to end and wait."""
        assert self._process is not None
        if self._process.poll() is None:
            self._process.terminate()
        self._process.wait(timeout=_STOP_SECONDS)

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=5) as reply:
                return bool(reply.status == 200)
        except OSError:
            return False
