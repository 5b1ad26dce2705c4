"""A Redis server as a process of its own, on a free loopback port, that tests may stop, pause and restart."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from pathlib import Path

import redis

from tests.parts.server_process import find_program, start_server

_START_SECONDS = 10


class Redis:
    """One server; it keeps its port over a restart and nothing on disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Redis:
        """Start it and wait until it answers."""
        options = ("--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no")
        command = [find_program("redis-server"), *options]
        self._process = start_server(command, self._folder / "redis.log", cwd=self._folder)
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            try:
                with self.client() as client:
                    client.ping()
            except redis.RedisError:
                time.sleep(0.02)
            else:
                return self
        raise RuntimeError((self._folder / "redis.log").read_text())

    def stop(self) -> None:
        """Kill it: what it held is gone."""
        self.resume()
        assert self._process is not None
        self._process.kill()
        self._process.wait(timeout=10)

    def pause(self) -> None:
        """Freeze it: connections stand, nothing answers."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on after ``pause``."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def user(self, *rights: str) -> str:
        """Give the user ``limited`` these rights and no others; return the URL that it uses."""
        with self.client() as client:
            client.execute_command("ACL", "SETUSER", "limited", "reset", "on", ">secret", *rights)
        return f"redis://limited:secret@127.0.0.1:{self.port}/0"

    def client(self) -> redis.Redis:
        """Return a client."""
        return redis.Redis(port=self.port, socket_timeout=5)
