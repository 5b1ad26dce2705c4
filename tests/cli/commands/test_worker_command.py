from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from tests.parts.server_process import start_server


def test_the_worker_runs_until_it_is_asked_to_end(tmp_path: Path) -> None:
    own = {"LABELWRIGHT_WORKER_DATA_DIR": str(tmp_path / "worker"), "LABELWRIGHT_WORKER_METRICS_LISTEN": "127.0.0.1:0"}
    log, address = tmp_path / "log", tmp_path / "worker" / "worker.address"
    command = [sys.executable, "-m", "labelwright.cli.main", "worker", "--registry", "127.0.0.1:1"]
    process = start_server(command, log, env={**os.environ, **own})
    try:
        while not address.exists():
            assert process.poll() is None, log.read_text()
            time.sleep(0.02)
        with urllib.request.urlopen(f"http://{address.read_text().strip()}/healthz", timeout=10) as reply:
            assert reply.status == 200
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    assert "Traceback" not in log.read_text()


def test_a_wrong_url_is_one_clear_line() -> None:
    process = subprocess.run(
        [sys.executable, "-m", "labelwright.cli.main", "worker", "--prometheus", "nowhere"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert process.returncode == 2
    assert "LABELWRIGHT_WORKER_PROMETHEUS_URL" in process.stderr
    assert "Traceback" not in process.stderr
