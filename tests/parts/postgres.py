"""A real PostgreSQL of the tests' own: data in a temporary folder, reached by a Unix socket, ended by its pid."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg

from tests.parts.server_process import start_server

_USER = "labelwright"
_START_SECONDS = 60


def find_binaries() -> Path:
    """Return the folder that holds initdb and postgres, the newest where there are several.

    Raises RuntimeError where there is none.
    """
    on_path = shutil.which("postgres")
    if on_path and Path(on_path).resolve().with_name("initdb").exists():
        return Path(on_path).resolve().parent
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
    found = next((folder for folder in reversed(folders) if (folder / "initdb").exists()), None)
    if found is None:
        raise RuntimeError("PostgreSQL is not installed here: tests/install-parts installs it")
    return found


class Postgres:
    """One server; each ``new_database`` is empty and its own."""

    def __init__(self) -> None:
        self._binaries = find_binaries()
        self._names = (f"database_{number}" for number in itertools.count(1))
        # Not pytest's folder: PostgreSQL does not run as root, and its user could not look in there.
        self._folder = Path(tempfile.mkdtemp(prefix="labelwright-postgres-"))
        self._as_user = _unprivileged(self._folder)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Make the data folder where there is none, start the server and wait until it answers."""
        data = self._folder / "data"
        if not data.exists():
            self._run("initdb", "-D", str(data), "-U", _USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        command: list[str | Path] = [
            *self._as_user,
            self._binaries / "postgres",
            *("-D", str(data), "-k", str(self._folder)),
            *("-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=200"),
        ]
        self._process = start_server(command, self._folder / "log", **self._place())
        self._wait()

    def stop(self) -> None:
        """End the server, as a fast shutdown does."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(timeout=30)
            self._process = None

    def remove(self) -> None:
        """End the server and remove its data."""
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def new_database(self) -> str:
        """Make an empty database and return its URL."""
        name = next(self._names)
        with psycopg.connect(self._conninfo("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return f"postgresql://{_USER}@/{name}?host={self._folder}"

    def _conninfo(self, name: str) -> str:
        return f"host={self._folder} user={_USER} dbname={name}"

    def _wait(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                psycopg.connect(self._conninfo("postgres")).close()
            except psycopg.OperationalError:
                ended = self._process is None or self._process.poll() is not None
                if ended or time.monotonic() > deadline:
                    raise RuntimeError((self._folder / "log").read_text()) from None
                time.sleep(0.05)
            else:
                return

    def _run(self, program: str, *arguments: str) -> None:
        command: list[str | Path] = [*self._as_user, self._binaries / program, *arguments]
        subprocess.run(command, check=True, capture_output=True, **self._place())

    def _place(self) -> dict[str, Any]:
        return {"cwd": self._folder, "env": {**os.environ, "LC_ALL": "C"}}


def _unprivileged(folder: Path) -> list[str]:
    """Return the command that starts another as another user where this one is root, and give that user the folder.

    Not ``Popen(user=...)``: it forks instead of starting the program at once, and a fork of a process in which gRPC has
    threads dies of a segmentation fault now and then (one in 1500, measured with grpcio 1.85).
    """
    if os.geteuid() != 0:
        return []
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    user = names.get("postgres") or names["nobody"]
    os.chown(folder, user.pw_uid, user.pw_gid)
    # The registry's own process, here root's, reaches the socket in the folder.
    folder.chmod(0o755)
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
