"""How fast the label service answers, beside the least that could be: an empty RPC, the sandbox alone, plain CPython.

Run it from the repository's root, on a quiet machine: python -m bench.label_service [seconds per measurement]
Everything runs in this one go, so compare the ratios; absolute figures are those of the machine.
"""

from __future__ import annotations

import json
import multiprocessing
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import grpc
from labelwright.core.bundle import Bundle, read_folder
from labelwright.core.record import pack
from labelwright.core.wire.messages import record_from_text
from labelwright.sandbox import Labeler, Sandbox
from labelwright.service.answering.server import SERVICE, make_label_server
from labelwright.serving.rpc_server import Health
from labelwright.v1 import label_service_pb2 as pb
from labelwright.v1 import registry_service_pb2
from labelwright.v1.label_service_pb2_grpc import LabelServiceServicer, LabelServiceStub
from rich.console import Console
from rich.table import Table

from tests.parts.access import open_access
from tests.parts.registry import Registry, push_folder
from tests.parts.repository import EXAMPLES
from tests.parts.service import Service, until

EXAMPLE = EXAMPLES / "spam"
BATCH = 256
_spawn = multiprocessing.get_context("spawn")


class Echo(LabelServiceServicer):
    """Answers without doing anything."""

    def Label(self, request: pb.LabelRequest, context: grpc.ServicerContext) -> pb.LabelResponse:  # noqa: ARG002, N802
        """Return a constant."""
        return pb.LabelResponse(labeling=pb.Labeling(label="spam", probability=1.0))


def serve_echo(pipe: Connection) -> None:
    """Serve Echo with the label service's own server settings until the pipe says something."""
    echo: Any = Echo()  # type: ignore[abstract]
    limits: dict[str, Any] = {"max_requests": 128, "max_streams": 16, "max_request_bytes": 16 << 20}
    server = make_label_server(echo, Health((SERVICE,)), open_access(), **limits, share_port=False)
    pipe.send(server.start("127.0.0.1:0", "echo"))
    pipe.recv()
    server.stop(0).wait()


def call(
    address: str, task: str, texts: list[str], callers: int, seconds: float, distribution: bool, pipe: Connection
) -> None:
    """Call Label from so many threads on one channel; send the latencies."""
    stub = LabelServiceStub(grpc.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)]))
    requests = [pb.LabelRequest(task=task, text=text, distribution=distribution) for text in texts]
    for request in requests[:100]:
        stub.Label(request)
    latencies: list[float] = []
    until_ = time.monotonic() + seconds

    def work(first: int) -> None:
        number = first
        while time.monotonic() < until_:
            started = time.perf_counter()
            stub.Label(requests[number % len(requests)])
            latencies.append(time.perf_counter() - started)
            number += callers

    threads = [threading.Thread(target=work, args=(first,)) for first in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pipe.send(latencies)


def unary(
    address: str, task: str, texts: list[str], callers: int, seconds: float, distribution: bool = False
) -> tuple[float, float, float]:
    """Return requests per second and the median and 99th percentile in microseconds."""
    ours, theirs = _spawn.Pipe()
    client = _spawn.Process(target=call, args=(address, task, texts, callers, seconds, distribution, theirs))
    client.start()
    latencies = sorted(ours.recv())
    client.join()
    middle, high = latencies[len(latencies) // 2], latencies[int(len(latencies) * 0.99)]
    return len(latencies) / seconds, middle * 1e6, high * 1e6


@contextmanager
def echo() -> Iterator[str]:
    """Run the echo server; yield its address."""
    ours, theirs = _spawn.Pipe()
    server = _spawn.Process(target=serve_echo, args=(theirs,))
    server.start()
    try:
        yield ours.recv()
    finally:
        ours.send(None)
        server.join()


@contextmanager
def running(folder: Path, **settings: object) -> Iterator[Service]:
    """Run a registry with the example in production and a label service that serves it."""
    registry = Registry(folder / "registry").start()
    version = push_folder(registry.stub(), EXAMPLE / "bundle").version
    registry.stub().SetAlias(
        registry_service_pb2.SetAliasRequest(
            task=version.task, alias="production", version=version.number, actor="bench", reason="bench"
        )
    )
    service = Service(folder / "service", registry=registry.address, **settings).start()
    try:
        until(lambda: service.total("labelwright_live_version") == version.number)
        yield service
    finally:
        service.stop()
        registry.stop()


def new_texts(texts: list[str]) -> Iterator[list[str]]:
    """Yield batches of records that were never seen: no cache answers them."""
    number = 0
    while True:
        yield [f"{texts[(number + index) % len(texts)]} {number + index}" for index in range(BATCH)]
        number += BATCH


def stream_requests(texts: list[str]) -> Iterator[pb.LabelStreamRequest]:
    """Yield a stream's requests."""
    return (pb.LabelStreamRequest(request=pb.LabelRequest(task="spam", text=text)) for text in texts)


def per_record(step: Callable[[list[str]], object], texts: list[str], seconds: float) -> float:
    """Return microseconds a record of calling ``step`` with batches of new records."""
    batches = new_texts(texts)
    step(next(batches))
    done, started = 0, time.perf_counter()
    while time.perf_counter() - started < seconds:
        step(next(batches))
        done += BATCH
    return (time.perf_counter() - started) / done * 1e6


def native(bundle: Bundle) -> Callable[[list[str]], object]:
    """Return a function that labels texts with the same programs in this interpreter."""
    programs = []
    for program in bundle.programs:
        names: dict[str, object] = {}
        exec(compile(program.source, program.path, "exec"), names)
        programs.append(names["label"])
    index = {name: number for number, name in enumerate(bundle.task.label_names)} | {None: -1}
    decide = bundle.label_model.decide
    return lambda texts: [decide(tuple(index[program(text)] for program in programs)) for text in texts]  # type: ignore[operator]


def unary_table(texts: list[str], seconds: float) -> Table:
    """Measure Label beside the empty RPC."""
    table = Table("Label, one record", "callers", "requests/s", "p50 us", "p99 us", "p50 beside empty RPC")
    fresh = [f"{text} {number}" for number in range(400) for text in texts[:250]]
    with (
        tempfile.TemporaryDirectory() as folder,
        echo() as echo_address,
        running(Path(folder), memory_cache_entries=0) as service,
        tempfile.TemporaryDirectory() as second,
        running(Path(second)) as cached,
    ):
        for callers in (1, 8):
            rows = [
                ("empty RPC", *unary(echo_address, "spam", texts, callers, seconds)),
                ("answered from memory", *unary(cached.address, "spam", texts, callers, seconds)),
                ("the same with distribution", *unary(cached.address, "spam", texts, callers, seconds, True)),
                ("programs run", *unary(service.address, "spam", fresh, callers, seconds)),
            ]
            for name, rate, middle, high in rows:
                ratio = f"{middle / rows[0][2]:.2f}"
                table.add_row(name, str(callers), f"{rate:,.0f}", f"{middle:,.0f}", f"{high:,.0f}", ratio)
    return table


def batch_table(texts: list[str], seconds: float) -> Table:
    """Measure LabelBatch beside the sandbox and CPython."""
    bundle, _ = read_folder(EXAMPLE / "bundle")
    assert bundle is not None
    table = Table(f"batches of {BATCH} new records, {len(bundle.programs)} programs", "us a record", "beside CPython")
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as service, Sandbox() as sandbox:
        labeler = Labeler.open(sandbox, bundle)
        stub = service.stub()
        known = pb.LabelBatchRequest(task="spam", texts=(texts * BATCH)[:BATCH])
        shares = pb.LabelBatchRequest(task="spam", texts=known.texts, distribution=True)
        steps: dict[str, Callable[[list[str]], object]] = {
            "CPython, no isolation": native(bundle),
            "sandbox alone": lambda batch: labeler.label(
                [pack(record_from_text(bundle.task, t), 1 << 20) for t in batch]
            ),
            "LabelBatch": lambda batch: stub.LabelBatch(pb.LabelBatchRequest(task="spam", texts=batch)),
            "LabelStream": lambda batch: list(stub.LabelStream(stream_requests(batch))),
            "LabelBatch, from memory": lambda _: stub.LabelBatch(known),
            "the same with distribution": lambda _: stub.LabelBatch(shares),
        }
        costs = {name: per_record(step, texts, seconds) for name, step in steps.items()}
        labeler.close()
        plain, full = (stub.LabelBatch(request).ByteSize() / BATCH for request in (known, shares))
    table.caption = f"an answer of a batch: {plain:.0f} bytes, with distribution {full:.0f}"
    for name, cost in costs.items():
        table.add_row(name, f"{cost:.1f}", f"{cost / costs['CPython, no isolation']:.1f}")
    return table


def main() -> None:
    """Measure and print."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 5.0
    texts = [json.loads(line)["text"] for line in (EXAMPLE / "unlabeled.jsonl").read_text().splitlines()]
    console = Console(width=110)
    console.print(unary_table(texts, seconds))
    console.print(batch_table(texts, seconds))


if __name__ == "__main__":
    main()
