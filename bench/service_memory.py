"""What memory a label server takes with 100 honest versions and a corpus of hostile ones, beside its stated budget.

Run it from the repository's root: python -m bench.service_memory [FOLDER of hostile bundles] [--draw FILE.svg]

The versions stand on the server's disk and there is no registry, so that those are served, too, that every registry
refuses. Without the folder, the programs of tests/sandbox/hostile are served. Memory is the server's proportional share
(PSS), and its file of loaded programs as a whole; resident memory would count twice what is mapped twice.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import grpc
from labelwright.core.bundle import digest_files, normalized_files, open_bundle, read_files
from labelwright.core.wire.status import from_rpc_error
from labelwright.service.target import Aliases, VersionTarget
from labelwright.service.versions.bundle_store import BundleStore
from labelwright.v1 import label_service_pb2 as pb
from labelwright.v1 import registry_service_pb2

from bench.label_versions import example
from tests.parts.repository import HOSTILE_BUNDLES
from tests.parts.service import Service
from tests.sandbox.programs import HOSTILE
from tests.service.bundles import PRIZE, SHORT, files

BUDGET_MB = 512
VERSIONS = 100
HONEST_SECONDS, HOSTILE_SECONDS = 40.0, 400.0
"""Of honest traffic alone, and then with hostile versions beside it until each was asked, at most."""
STEP_SECONDS = 0.5
CALLERS = 4
PROGRAMS = "labelwright-sandbox"
"""Name of the file in memory that loaded programs are mapped from."""
TEXTS = [f"win a free prize {number}" for number in range(64)]

Texts = Mapping[str, Sequence[str]]
"""What a task is asked, by its name."""


@dataclass
class Measured:
    """Points of seconds and MiB, and how calls ended."""

    memory: list[tuple[float, float]] = field(default_factory=list)
    counted: list[tuple[float, float]] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    asked: set[str] = field(default_factory=set)


def main() -> None:
    """Measure, print, draw."""
    parser = argparse.ArgumentParser()
    parser.add_argument("hostile", type=Path, nargs="?", default=HOSTILE_BUNDLES)
    parser.add_argument("--draw", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "service")
        honest = {store.add(f"honest-{number}", example(number)): TEXTS for number in range(VERSIONS)}
        hostile = store.add_hostile(options.hostile)
        store.close()
        service = Service(
            Path(folder) / "service",
            registry="127.0.0.1:9",
            preload="",
            shadow_alias="",
            loaded_versions=len(honest) + len(hostile),
            sandbox_memory_mb=BUDGET_MB,
        ).start(serving=False)
        try:
            measured = measure(service, honest, hostile)
        finally:
            service.stop()
    start = measured.memory[0][1]
    most = max(value for _, value in measured.memory)
    counted = max(value for _, value in measured.counted)
    sys.stdout.write(
        f"asked {len(measured.asked & honest.keys())} of {len(honest)} honest versions and "
        f"{len(measured.asked & hostile.keys())} of {len(hostile)} hostile ones; budget {BUDGET_MB} MiB\n"
        f"memory at the start {start:,.0f} MiB, at most {most:,.0f}, so {most - start:,.0f} more; "
        f"counted at most {counted:,.0f}\n"
        f"calls by outcome: {dict(measured.outcomes)}\n"
    )
    if options.draw:
        options.draw.write_text(draw(measured), encoding="utf-8")


class Store:
    """The last good versions of a server, written to its disk."""

    def __init__(self, folder: Path) -> None:
        self._store = BundleStore(folder)
        self._table: dict[str, dict[str, VersionTarget]] = {}

    def add(self, task: str, bundle: Mapping[str, bytes]) -> str:
        """Make the files the production version of the task; return its name."""
        contents = normalized_files(bundle.items()) or dict(bundle)
        target = VersionTarget(task, 1, digest_files(contents))
        download = registry_service_pb2.DownloadBundleResponse(
            version=registry_service_pb2.Version(task=task, number=1, digest=target.digest)
        )
        for path, content in contents.items():
            download.bundle.files.add(path=path, content=content)
        self._store.write(download, target.digest)
        self._table[task] = {"production": target}
        return task

    def add_hostile(self, folder: Path) -> Texts:
        """Add each bundle in the folder that can be read, or the tests' programs; return what to ask them."""
        asked: dict[str, list[str]] = {}
        if not folder.is_dir():
            for path in sorted(HOSTILE.glob("*.py.txt")):
                programs = {"prize": PRIZE, "hostile": path.read_text(encoding="utf-8"), "short": SHORT}
                bundle = files("attacked", limits="time_ms = 60\nmemory_mb = 64", **programs)
                asked[self.add(f"hostile-{len(asked)}", bundle)] = ["win a prize"]
            return asked
        for name, about in json.loads((folder / "expected.json").read_text(encoding="utf-8")).items():
            contents, _ = read_files(folder / name)
            if open_bundle(contents)[0] is not None:
                asked[self.add(f"hostile-{len(asked)}", dict(contents))] = [*about["trigger"], "see you at ten"]
        return asked

    def close(self) -> None:
        """Name the versions by their aliases."""
        self._store.write_aliases(Aliases(1, self._table))


def measure(service: Service, honest: Texts, hostile: Texts) -> Measured:
    """Call the service in two phases and note its memory."""
    measured = Measured()
    started = time.monotonic()
    done = threading.Event()
    callers = [
        threading.Thread(target=call, args=(service, honest, hostile, seed, started, done, measured))
        for seed in range(CALLERS)
    ]
    while (now := time.monotonic() - started) < HONEST_SECONDS + HOSTILE_SECONDS:
        if measured.asked >= hostile.keys():
            break
        measured.memory.append((now, memory_mb(service.pid)))
        measured.counted.append((now, service.total("labelwright_sandbox_memory_bytes") / 2**20))
        if len(measured.memory) == 1:
            for caller in callers:
                caller.start()
        time.sleep(STEP_SECONDS)
    done.set()
    for caller in callers:
        caller.join()
    return measured


def call(
    service: Service,
    honest: Texts,
    hostile: Texts,
    seed: int,
    started: float,
    done: threading.Event,
    measured: Measured,
) -> None:
    """Ask until it is done: some versions often and many seldom; later three of four calls hostile ones, in turn."""
    stub = service.stub()
    chance = random.Random(seed)
    names, enemies = list(honest), list(hostile)
    place = seed * len(enemies) // CALLERS
    while not done.is_set():
        if time.monotonic() - started > HONEST_SECONDS and chance.random() < 0.75:
            place = (place + 1) % len(enemies)
            task, texts = enemies[place], hostile[enemies[place]]
        else:
            task = chance.choices(names, weights=[1 / (rank + 3) for rank in range(len(names))])[0]
            texts = [f"{text} {chance.random()}" for text in honest[task]]
        kind = task.partition("-")[0]
        measured.asked.add(task)
        try:
            stub.LabelBatch(pb.LabelBatchRequest(task=task, texts=texts), timeout=10)
            measured.outcomes[f"{kind} answered"] += 1
        except grpc.RpcError as error:
            measured.outcomes[f"{kind} {from_rpc_error(error).reason}"] += 1


def memory_mb(pid: int) -> float:
    """Return what the process takes in MiB: its proportional share, and all of its file of loaded programs."""
    share = 0
    is_programs = False
    for line in Path(f"/proc/{pid}/smaps").read_text(encoding="utf-8", errors="replace").splitlines():
        name, _, value = line.partition(":")
        if "-" in name.partition(" ")[0]:
            is_programs = PROGRAMS in line
        elif name == ("Anonymous" if is_programs else "Pss"):  # of that file, what was copied where it was written to
            share += int(value.split()[0])
    opened = [link for link in Path(f"/proc/{pid}/fd").iterdir() if PROGRAMS in str(link.readlink())]
    return share / 1024 + sum(link.stat().st_blocks for link in opened[:1]) / 2048


def draw(measured: Measured) -> str:
    """Return the SVG: memory over time, the budget above what was there at the start."""
    width, height, left, top = 400, 190, 42, 26
    bottom, right = height - 24, 10
    start = measured.memory[0][1]
    end = measured.memory[-1][0]
    most = 1.1 * (start + BUDGET_MB)

    def x(at: float) -> float:
        return left + (width - left - right) * at / end

    def y(value: float) -> float:
        return bottom - (bottom - top) * value / most

    def text(at: float, height: float, said: str, color: str, anchor: str = "start") -> str:
        return f'<text x="{at:.1f}" y="{height:.1f}" fill="{color}" text-anchor="{anchor}">{said}</text>'

    def line(points: Sequence[tuple[float, float]], color: str, dash: str = "") -> str:
        path = " ".join(f"{x(at):.1f},{y(value):.1f}" for at, value in points)
        return f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="1.8"{dash}/>'

    limit = start + BUDGET_MB
    parts = [f'<rect width="{width}" height="{height}" fill="#ffffff"/>']
    for value in range(0, int(most), 200):
        parts += [
            f'<line x1="{left}" y1="{y(value):.1f}" x2="{width - right}" y2="{y(value):.1f}" stroke="#e6e8eb"/>',
            text(left - 5, y(value) + 4, f"{value}", "#8b949e", "end"),
        ]
    for at in range(0, int(end) + 1, 30):
        parts.append(text(x(at), bottom + 16, f"{at}" if at else "0 s", "#8b949e", "middle"))
    parts += [
        line([(HONEST_SECONDS, 0), (HONEST_SECONDS, most)], "#24292f", ' stroke-dasharray="2 2" stroke-opacity="0.35"'),
        text(x(HONEST_SECONDS) + 4, bottom - 6, "hostile versions too", "#24292f"),
        line([(0, limit), (end, limit)], "#cf222e", ' stroke-dasharray="4 3"'),
        text(left, y(limit) - 5, f"{BUDGET_MB} MiB above the start", "#cf222e"),
        line(measured.memory, "#0969da"),
        line(measured.counted, "#1a7f37"),
        text(left, 14, "MiB:", "#24292f"),
        text(left + 30, 14, "the process", "#0969da"),
        text(left + 100, 14, "counted in the budget", "#1a7f37"),
    ]
    title = f"Memory of a label server with {VERSIONS} versions, then hostile ones beside them, and its budget"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width * 2}" '
        f'font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif" font-size="11" '
        f'role="img" aria-label="{title}"><title>{title}</title>\n' + "\n".join(parts) + "\n</svg>\n"
    )


if __name__ == "__main__":
    main()
