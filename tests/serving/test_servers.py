"""The same fault gives the same line and the same exit code in every server."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SERVERS = ["registry", "service", "worker"]
RPC_SERVERS = ["registry", "service"]
_ADVICE = "(stop what has the port, or choose another; port 0 takes a free one)"


def refusal(server: str, data_dir: Path, **settings: str) -> str:
    """Start a server that must end with 2 at once and return what it says, which must be one line."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LABELWRIGHT_")}
    own = {"data_dir": str(data_dir), "metrics_listen": "127.0.0.1:0", **settings}
    if server in RPC_SERVERS:
        own = {"listen": "127.0.0.1:0", **own}
    done = subprocess.run(
        [sys.executable, "-m", f"labelwright.{server}"],
        env=clean | {f"LABELWRIGHT_{server.upper()}_{name.upper()}": value for name, value in own.items()},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    (line,) = [line for line in done.stderr.splitlines() if not line.startswith("{")]
    assert line.startswith(f"labelwright {server}: LABELWRIGHT_{server.upper()}_")
    return line.removeprefix(f"labelwright {server}: LABELWRIGHT_{server.upper()}_")


@pytest.fixture
def taken() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize("server", RPC_SERVERS)
def test_a_taken_port(server: str, taken: str, tmp_path: Path) -> None:
    line = refusal(server, tmp_path, listen=taken)
    assert line == f"LISTEN: cannot listen on {taken}: Address already in use {_ADVICE}"


@pytest.mark.parametrize("server", SERVERS)
def test_a_taken_port_of_metrics(server: str, taken: str, tmp_path: Path) -> None:
    line = refusal(server, tmp_path, metrics_listen=taken)
    assert line == f"METRICS_LISTEN: cannot listen on {taken}: Address already in use {_ADVICE}"


@pytest.mark.parametrize("server", SERVERS)
def test_a_data_folder_that_cannot_be_used(server: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    line = refusal(server, tmp_path / "file")
    assert line == f"DATA_DIR: cannot use {tmp_path / 'file'}: File exists (name a folder that this user may write to)"


@pytest.mark.parametrize("server", SERVERS)
def test_wrong_settings(server: str, tmp_path: Path) -> None:
    line = refusal(server, tmp_path, metrics_listen="hunter2", log_level="hunter2")
    assert f"; LABELWRIGHT_{server.upper()}_METRICS_LISTEN: Value error, must be host:port" in line
    assert line.startswith("LOG_LEVEL: ")
    assert line.endswith(f"(docs/{server}.md lists the settings)")
    assert "hunter2" not in line
