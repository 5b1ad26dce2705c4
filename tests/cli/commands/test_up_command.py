from __future__ import annotations

import json
import os
import signal
import socket
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from labelwright.client import Client, Registry

from tests.parts.example_bundles import SPAM, serve
from tests.parts.recording_proxy import recording_proxy
from tests.parts.server_process import start_server

PORTS = ["--port", "0", "--registry-port", "0", "--metrics-port", "0"]


class Up:
    """``labelwright up`` as a process of its own."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.out, self.err = folder / "up.out", folder / "up.err"
        for earlier in (self.out, self.err):
            earlier.unlink(missing_ok=True)
        command = [sys.executable, "-m", "labelwright.cli.main", "up", "--json", "--data", str(folder / "data")]
        self.process = start_server([*command, *arguments], self.err, output=self.out)

    def ready(self) -> dict[str, Any]:
        while self.process.poll() is None:
            try:
                document: dict[str, Any] = json.loads(self.out.read_text())
            except ValueError:
                time.sleep(0.02)
            else:
                return document
        pytest.fail(self.err.read_text())


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    running = Up(tmp_path, *PORTS)
    yield running
    running.process.terminate()
    running.process.wait()


def test_all_servers_run_and_end_together_and_keep_what_they_have(up: Up, tmp_path: Path) -> None:
    addresses = up.ready()
    with Registry(addresses["registry"]) as registry, Client(addresses["service"]) as client:
        serve(registry, client, SPAM)
    with urllib.request.urlopen(f"http://{addresses['worker']}/healthz", timeout=10) as reply:
        assert reply.status == 200
    assert addresses["pids"].keys() == {"registry", "service", "worker"}
    up.process.send_signal(signal.SIGINT)
    assert up.process.wait(60) == 0
    assert all(ended(pid) for pid in addresses["pids"].values())
    assert up.err.read_text() == ""
    again = Up(tmp_path, *PORTS)
    try:
        addresses = again.ready()
        with Registry(addresses["registry"]) as registry:
            assert [task.name for task in registry.tasks()] == ["spam"]
    finally:
        again.process.terminate()
        assert again.process.wait(60) == 0


def test_behind_a_proxy_all_servers_come_up_and_reach_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with recording_proxy() as proxy:
        with monkeypatch.context() as environment:
            for name, value in {**proxy.variables(), **proxy.variables(str.upper)}.items():
                environment.setenv(name, value)
            running = Up(tmp_path, *PORTS)
        try:
            addresses = running.ready()
            with Registry(addresses["registry"]) as registry, Client(addresses["service"]) as client:
                serve(registry, client, SPAM)
        finally:
            running.process.terminate()
            assert running.process.wait(60) == 0
        assert proxy.asked == []


def test_a_server_that_dies_ends_the_other_and_is_named(up: Up) -> None:
    addresses = up.ready()
    os.kill(addresses["pids"]["registry"], signal.SIGKILL)
    assert up.process.wait(60) == 5
    assert "the registry was ended by SIGKILL" in up.err.read_text()
    assert all(ended(pid) for pid in addresses["pids"].values())


def test_the_servers_do_not_outlive_a_killed_up(up: Up) -> None:
    addresses = up.ready()
    up.process.kill()
    up.process.wait()
    until_ended = time.monotonic() + 60
    while not all(ended(pid) for pid in addresses["pids"].values()):
        assert time.monotonic() < until_ended
        time.sleep(0.05)


@pytest.mark.parametrize("option", ["--port", "--registry-port", "--metrics-port"])
def test_a_taken_port_is_named(tmp_path: Path, option: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        up = Up(tmp_path, *PORTS, option, port)
        assert up.process.wait(60) == 2
    assert f"127.0.0.1:{port}" in up.err.read_text()
    assert "taken" in up.err.read_text()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    up = Up(tmp_path, *PORTS)
    assert up.process.wait(60) == 2
    assert "data" in up.err.read_text()


def ended(pid: int) -> bool:
    try:
        return "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return True
