"""A server as a child process: started, waited for until it is healthy, watched, stopped."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from labelwright.core.errors import ConfigurationError, LabelwrightError, Unavailable
from labelwright.core.machine.proxies import channel_options

_POLL_SECONDS = 0.05
_TAIL_LINES = 8
_BAD_CONFIGURATION = 2


def answers_grpc(address: str) -> bool:
    """Whether a gRPC server's health service says that it serves."""
    with grpc.insecure_channel(address, options=channel_options(address)) as channel:
        health: Any = health_pb2_grpc.HealthStub(channel)
        try:
            answer = health.Check(health_pb2.HealthCheckRequest(), timeout=1.0)
        except grpc.RpcError:
            return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def answers_http(address: str) -> bool:
    """Whether an HTTP server says at /healthz that all is well."""
    connection = HTTPConnection(address, timeout=1.0)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


@dataclass(frozen=True, slots=True)
class ServerPlan:
    """How to start a server: its module, where it listens and keeps its files, its settings, how to see its health."""

    name: str
    module: str
    listen: str
    folder: Path
    settings: Mapping[str, str]
    is_healthy: Callable[[str], bool] = answers_grpc

    @property
    def log(self) -> Path:
        """Where its log goes."""
        return self.folder / f"{self.name}.log"

    @property
    def address_file(self) -> Path:
        """Where it writes the address that it chose."""
        return self.folder / f"{self.name}.address"


class ServerProcess:
    """A running server."""

    def __init__(self, plan: ServerPlan) -> None:
        """Start it. Raises ConfigurationError where its port is taken."""
        check_free(plan.name, plan.listen)
        self.plan = plan
        plan.folder.mkdir(parents=True, exist_ok=True)
        plan.address_file.unlink(missing_ok=True)
        with plan.log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-m", "labelwright.cli.servers.tied_process", str(os.getpid()), plan.module],
                env={**os.environ, **plan.settings},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    @property
    def pid(self) -> int:
        """The process's number."""
        return int(self._process.pid)

    def wait_until_healthy(self, seconds: float) -> str:
        """Return the address once the server says that it serves. Raises LabelwrightError if it ends or is too slow."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.check_running()
            with contextlib.suppress(OSError):
                address = self.plan.address_file.read_text(encoding="utf-8").strip()
                if address and self.plan.is_healthy(address):
                    return address
            time.sleep(_POLL_SECONDS)
        raise Unavailable(
            f"the {self.plan.name} was not ready after {seconds:.0f} s: {self._last_words()}",
            advice=f"its log is {self.plan.log}",
        )

    def check_running(self) -> None:
        """Raise LabelwrightError with its last words where the server has ended."""
        code: int | None = self._process.poll()
        if code is None:
            return
        kind = ConfigurationError if code == _BAD_CONFIGURATION else LabelwrightError
        how = f"ended with code {code}" if code >= 0 else f"was ended by {signal.Signals(-code).name}"
        raise kind(f"the {self.plan.name} {how}: {self._last_words()}", advice=f"its log is {self.plan.log}")

    def stop(self, seconds: float) -> None:
        """Let it finish what it does, and end it where that takes longer than ``seconds``."""
        if self._process.poll() is None:
            self._process.terminate()
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _last_words(self) -> str:
        """Return the log's last line that tells a reason; log lines are JSON, a refusal to start is plain text."""
        with contextlib.suppress(OSError):
            lines = self.plan.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-_TAIL_LINES:]
            for line in reversed(lines):
                if text := _reason(line):
                    return text
        return "it said nothing"


def check_free(name: str, listen: str) -> None:
    """Raise ConfigurationError where the address is taken or is none of this machine's."""
    host, _, port = listen.rpartition(":")
    try:
        family, kind, _, _, place = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(place)
    except OSError as error:
        reason = (
            "is taken by another program" if error.errno == errno.EADDRINUSE else f"cannot be used: {error.strerror}"
        )
        raise ConfigurationError(
            f"{listen}, the {name}'s address, {reason}",
            advice="is labelwright up running already? otherwise choose other ports; 0 takes a free one",
        ) from error


def _reason(line: str) -> str:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return line
    if not isinstance(entry, dict):
        return line
    return " ".join(str(entry[key]) for key in ("event", "error", "reason", "message") if entry.get(key))
