"""What versions cost a label server: memory, time from push to served, swaps under load, and a Redis that hangs.

Run it from the repository's root, on a quiet machine: python -m bench.label_versions [promotes under load]
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import grpc
from labelwright.v1 import label_service_pb2 as pb
from labelwright.v1.registry_service_pb2_grpc import RegistryServiceStub
from rich.console import Console
from rich.table import Table

from bench.label_service import EXAMPLE
from tests.parts.redis import Redis
from tests.parts.registry import Registry, push
from tests.parts.service import Service, until
from tests.service.bundles import constant, promote

VERSIONS = 20


def example(number: int) -> dict[str, bytes]:
    """Return the example's bundle, made different by a comment."""
    folder = EXAMPLE / "bundle"
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    program = next(name for name in sorted(files) if name.startswith("programs/"))
    return files | {program: files[program] + f"\n# {number}\n".encode()}


def resident_mb(pid: int) -> float:
    """Return the private memory of a process in MiB: what another version adds."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Private_Dirty:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("the kernel does not tell a process's memory")


def memory_per_version(registry: RegistryServiceStub, service: Service) -> float:
    """Return MiB that each further live version takes, its instances warm."""
    stub = service.stub()
    numbers = [push(registry, example(number)).version.number for number in range(VERSIONS)]
    texts = [f"free prize {number}" for number in range(64)]

    def touch(number: int) -> None:
        stub.LabelBatch(pb.LabelBatchRequest(task="spam", version=number, texts=texts), timeout=30)

    touch(numbers[0])
    before = resident_mb(service.pid)
    for number in numbers[1:]:
        touch(number)
    return (resident_mb(service.pid) - before) / (VERSIONS - 1)


def push_to_served(registry: RegistryServiceStub, service: Service) -> tuple[float, float]:
    """Return the seconds of push and promote, and from then until the version answers: medians of nine."""
    stub = service.stub()
    pushes, waits = [], []
    for number in range(9):
        started = time.perf_counter()
        version = push(registry, example(1000 + number)).version
        promote(registry, version)
        pushed = time.perf_counter()
        request = pb.LabelRequest(task="spam", text="free prize")
        while not serves(stub.Label, request, version.digest):
            time.sleep(0.001)
        pushes.append(pushed - started)
        waits.append(time.perf_counter() - pushed)
    return sorted(pushes)[4], sorted(waits)[4]


def serves(label: Callable[[pb.LabelRequest], pb.LabelResponse], request: pb.LabelRequest, digest: str) -> bool:
    """Whether the version with this digest answers."""
    try:
        return label(request).served.digest == digest
    except grpc.RpcError:
        return False


class Load(threading.Thread):
    """Asks until it is stopped; keeps the latencies and what failed."""

    def __init__(self, service: Service, task: str) -> None:
        super().__init__(daemon=True)
        self._stub, self._task = service.stub(), task
        self.seconds: list[float] = []
        self.mixed = 0
        self.failures = 0
        self._done = threading.Event()

    def run(self) -> None:
        """Ask."""
        while not self._done.is_set():
            started = time.perf_counter()
            texts = [f"{len(self.seconds)} {index}" for index in range(4)]
            try:
                reply = self._stub.LabelBatch(pb.LabelBatchRequest(task=self._task, texts=texts), timeout=10)
                self.mixed += len({outcome.labeling.label for outcome in reply.outcomes}) != 1
            except grpc.RpcError:
                self.failures += 1
            self.seconds.append(time.perf_counter() - started)

    def finish(self) -> None:
        """Stop and wait."""
        self._done.set()
        self.join()

    def percentile(self, share: float) -> float:
        """Return the latency in ms that this share of requests stays below."""
        return sorted(self.seconds)[min(int(len(self.seconds) * share), len(self.seconds) - 1)] * 1e3


def under_load(service: Service, task: str, during: Callable[[], None]) -> Load:
    """Run ``during`` while one caller asks."""
    load = Load(service, task)
    load.start()
    during()
    load.finish()
    return load


def promotes(registry: RegistryServiceStub, service: Service, count: int) -> tuple[Load, Load]:
    """Return the load without and with ``count`` promotes between two versions."""
    versions = [push(registry, constant("flip", label)).version for label in ("ham", "spam")]
    promote(registry, versions[0])
    stub = service.stub()
    until(lambda: serves(stub.Label, pb.LabelRequest(task="flip", text="x"), versions[0].digest))

    def flip() -> None:
        for number in range(1, count + 1):
            promote(registry, versions[number % 2])

    return under_load(service, "flip", lambda: time.sleep(3)), under_load(service, "flip", flip)


def redis_pauses(service: Service, redis: Redis) -> tuple[Load, Load]:
    """Return the load with a Redis that answers and with one that hangs."""
    well = under_load(service, "flip", lambda: time.sleep(3))

    def pause() -> None:
        redis.pause()
        time.sleep(3)
        redis.resume()

    return well, under_load(service, "flip", pause)


def main() -> None:
    """Measure and print."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    console = Console(width=110)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        redis = Redis(folder).start()
        registry = Registry(folder / "registry").start()
        service = Service(folder / "service", registry=registry.address, loaded_versions=VERSIONS + 5).start()
        cached = Service(
            folder / "cached",
            registry=registry.address,
            redis_url=redis.url,
            redis_mode="always",
            memory_cache_entries=0,
            tasks="flip",
        ).start()
        try:
            stub = registry.stub()
            console.print(f"memory per live version: {memory_per_version(stub, service):.1f} MiB")
            pushed, waited = push_to_served(stub, service)
            console.print(f"push and promote: {pushed * 1e3:.0f} ms; from then until served: {waited * 1e3:.0f} ms")
            table = Table(
                "load of one caller, batches of 4", "requests", "failed", "mixed", "p50 ms", "p99 ms", "max ms"
            )
            quiet, flipping = promotes(stub, service, count)
            well, paused = redis_pauses(cached, redis)
            for title, load in (
                ("one version", quiet),
                (f"{count} promotes meanwhile", flipping),
                ("Redis asked each time", well),
                ("Redis paused (SIGSTOP)", paused),
            ):
                table.add_row(
                    title,
                    f"{len(load.seconds):,}",
                    str(load.failures),
                    str(load.mixed),
                    *(f"{load.percentile(share):.2f}" for share in (0.5, 0.99, 1.0)),
                )
            console.print(table)
        finally:
            cached.stop()
            service.stop()
            registry.stop()
            redis.stop()


if __name__ == "__main__":
    main()
