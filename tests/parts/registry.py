"""The registry as a process of its own, as an operator runs it, on a free loopback port."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import grpc
from labelwright.v1 import registry_service_pb2 as pb
from labelwright.v1 import registry_service_pb2_grpc as pb_grpc

from tests.parts.server_process import start_server

_START_SECONDS = 120
"""The first start on a machine compiles the sandbox's runtime."""


class Registry:
    """A registry process; ``settings`` are names of docs/registry.md in lower case, without the prefix."""

    def __init__(self, data_dir: Path, **settings: object) -> None:
        self.data_dir = data_dir
        self.settings: dict[str, object] = {"listen": "127.0.0.1:0", **settings}
        self.address = ""
        self.log = data_dir.with_name(f"{data_dir.name}.log")
        self._process: subprocess.Popen[bytes] | None = None
        self.channels: list[grpc.Channel] = []

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> Registry:
        """Start the process and wait until it serves. Raises RuntimeError with its output where it ends instead."""
        self.log.unlink(missing_ok=True)
        self._process = start_server([sys.executable, "-m", "labelwright.registry"], self.log, env=self.environment())
        deadline = time.monotonic() + _START_SECONDS
        while not (ready := self.events("ready")):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(self.log.read_text())
            time.sleep(0.02)
        self.address = ready[0]["address"]
        return self

    def stop(self) -> int:
        """Ask it to end, as an orchestrator does, and return its exit code."""
        return self._end(signal.SIGTERM)

    def kill(self) -> int:
        """Kill it, as a lost machine would."""
        return self._end(signal.SIGKILL)

    def stub(self) -> pb_grpc.RegistryServiceStub:
        """Return a stub on a channel of its own."""
        channel = grpc.insecure_channel(
            self.address,
            options=(("grpc.max_receive_message_length", 32 << 20), ("grpc.use_local_subchannel_pool", 1)),
        )
        self.channels.append(channel)
        return pb_grpc.RegistryServiceStub(channel)

    def events(self, name: str) -> list[dict[str, Any]]:
        """Return the log lines of this event so far."""
        found = []
        for line in self.log.read_text().splitlines():
            if line.startswith("{") and line.endswith("}"):
                event = json.loads(line)
                if event.get("event") == name:
                    found.append(event)
        return found

    def environment(self) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("LABELWRIGHT_REGISTRY_")}
        settings = {"data_dir": self.data_dir, **self.settings}
        return {**clean, **{f"LABELWRIGHT_REGISTRY_{name.upper()}": str(value) for name, value in settings.items()}}

    def _end(self, number: int) -> int:
        for channel in self.channels:
            channel.close()
        self.channels.clear()
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(number)
        return self._process.wait(timeout=60)


def push_folder(stub: pb_grpc.RegistryServiceStub, folder: Path) -> pb.PushVersionResponse:
    """Push a bundle's folder as it is."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return push(stub, {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths})


def push(stub: pb_grpc.RegistryServiceStub, files: dict[str, bytes], **fields: Any) -> pb.PushVersionResponse:
    """Push these files, whatever they hold."""
    message = pb.Bundle(files=[pb.BundleFile(path=path, content=content) for path, content in files.items()])
    return stub.PushVersion(pb.PushVersionRequest(bundle=message, **fields), timeout=60)


def damage(folder: Path, digest: str) -> dict[Path, bytes]:
    """Change a byte of what the registry stored under the digest; return what it was."""
    stored = [path for path in folder.rglob(f"*{digest.removeprefix('sha256:')}*") if path.is_file()]
    kept = {path: path.read_bytes() for path in stored}
    assert kept
    for path, content in kept.items():
        path.chmod(0o644)
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    return kept
