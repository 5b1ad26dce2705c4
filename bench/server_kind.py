"""The measurements behind ADR 0004: threads or asyncio for the server, and two ways to share metrics.

Run it from the repository's root, on a quiet machine: python -m bench.server_kind
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import subprocess
import sys
import tempfile
import threading
import time
import timeit
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection

import grpc
from labelwright.v1 import label_service_pb2 as pb
from labelwright.v1.label_service_pb2_grpc import (
    LabelServiceServicer,
    LabelServiceStub,
    add_LabelServiceServicer_to_server,
)

SECONDS = 3.0
_ANSWER = pb.LabelResponse(labeling=pb.Labeling(label="spam", probability=1.0))
_spawn = multiprocessing.get_context("spawn")


class Threads(LabelServiceServicer):
    """Answers in a thread of the server's pool, as wasm calls must be made."""

    def Label(self, request: pb.LabelRequest, context: grpc.ServicerContext) -> pb.LabelResponse:  # noqa: ARG002, N802
        """Return a constant."""
        return _ANSWER


class Loop(LabelServiceServicer):
    """Answers in the loop; with ``hop``, by way of a thread, which a wasm call would need."""

    def __init__(self, hop: bool) -> None:
        self._pool = ThreadPoolExecutor(32) if hop else None

    async def Label(  # noqa: N802
        self,
        request: pb.LabelRequest,  # noqa: ARG002
        context: grpc.aio.ServicerContext[pb.LabelRequest, pb.LabelResponse],  # noqa: ARG002
    ) -> pb.LabelResponse:
        """Return a constant."""
        if self._pool is not None:
            await asyncio.get_running_loop().run_in_executor(self._pool, int)
        return _ANSWER


def serve_threads(pipe: Connection) -> None:
    """Serve until the pipe says something."""
    server = grpc.server(ThreadPoolExecutor(64))
    add_LabelServiceServicer_to_server(Threads(), server)  # type: ignore[abstract]
    pipe.send(server.add_insecure_port("127.0.0.1:0"))
    server.start()
    pipe.recv()
    server.stop(0)


def serve_loop(pipe: Connection, hop: bool) -> None:
    """Serve until the pipe says something."""

    async def serve() -> None:
        server = grpc.aio.server()
        add_LabelServiceServicer_to_server(Loop(hop), server)  # type: ignore[abstract]
        pipe.send(server.add_insecure_port("127.0.0.1:0"))
        await server.start()
        await asyncio.get_running_loop().run_in_executor(None, pipe.recv)
        await server.stop(0)

    asyncio.run(serve())


def call(port: int, callers: int, pipe: Connection) -> None:
    """Send the latencies of so many callers on one channel."""
    stub = LabelServiceStub(grpc.insecure_channel(f"127.0.0.1:{port}"))
    request = pb.LabelRequest(task="spam", text="free prize")
    latencies: list[float] = []
    until = time.monotonic() + SECONDS

    def work() -> None:
        while time.monotonic() < until:
            started = time.perf_counter()
            stub.Label(request)
            latencies.append(time.perf_counter() - started)

    threads = [threading.Thread(target=work) for _ in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pipe.send(sorted(latencies))


def measure(name: str, serve: Callable[..., None], *arguments: object) -> None:
    """Print requests per second and latencies of one kind of server."""
    for callers in (1, 8):
        ours, theirs = _spawn.Pipe()
        server = _spawn.Process(target=serve, args=(theirs, *arguments))
        server.start()
        port = ours.recv()
        answer, send = _spawn.Pipe()
        client = _spawn.Process(target=call, args=(port, callers, send))
        client.start()
        latencies = answer.recv()
        client.join()
        ours.send(None)
        server.join()
        middle, high = latencies[len(latencies) // 2], latencies[int(len(latencies) * 0.99)]
        rate = len(latencies) / SECONDS
        print(f"{name:24} {callers} callers {rate:7.0f}/s p50 {middle * 1e6:6.0f} us p99 {high * 1e6:6.0f} us")


def metrics_cost() -> None:
    """Print what counting and scraping cost in the mode that the environment asks for."""
    from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest, multiprocess

    shared = "PROMETHEUS_MULTIPROC_DIR" in os.environ
    registry = CollectorRegistry()
    counter = Counter("a", "a", ["task", "label"], registry=registry)
    seconds = Histogram("b", "b", buckets=[1e-4 * 2**step for step in range(14)], registry=registry)
    child = counter.labels("x", "y")
    for number in range(2000):
        counter.labels(str(number), "z").inc()
    scraped = CollectorRegistry() if shared else registry
    if shared:
        multiprocess.MultiProcessCollector(scraped)  # type: ignore[no-untyped-call]
    count, observe = (timeit.timeit(step, number=200_000) * 5 for step in (child.inc, lambda: seconds.observe(0.0007)))
    scrape = timeit.timeit(lambda: generate_latest(scraped), number=3) / 3 * 1e3
    name = "shared files" if shared else "own memory"
    print(
        f"metrics in {name:13} count {count:.2f} us, observe {observe:.2f} us, scrape of 2,000 series {scrape:.0f} ms"
    )


def main() -> None:
    """Measure and print."""
    if sys.argv[1:] == ["metrics"]:
        metrics_cost()
        return
    measure("grpc.server", serve_threads)
    measure("grpc.aio", serve_loop, False)
    measure("grpc.aio, to a thread", serve_loop, True)
    with tempfile.TemporaryDirectory() as folder:
        for more in ({}, {"PROMETHEUS_MULTIPROC_DIR": folder}):
            subprocess.run(
                [sys.executable, "-m", "bench.server_kind", "metrics"], env={**os.environ, **more}, check=True
            )


if __name__ == "__main__":
    main()
