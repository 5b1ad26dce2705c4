"""What evaluating costs in the sandbox alone: ``python -m bench.sandbox [FOLDER]``.

Prints microseconds of the thread's processor time: a record in batches of 256, one record by itself, loading a version.
To compare two revisions, run it in a checkout of each, in turn.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

from labelwright.client.messages.registry import open_folder
from labelwright.core.record import pack
from labelwright.core.row import record_from_row
from labelwright.sandbox import Sandbox

ROOT = Path(__file__).parent.parent
_BATCH = 256
_ROUNDS = 7


def main() -> int:
    """Print the figures of one version."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "examples" / "spam" / "bundle"
    bundle = open_folder(folder)
    rows = [json.loads(line) for line in (folder.parent / "unlabeled.jsonl").read_text(encoding="utf-8").splitlines()]
    records = [pack(record_from_row(bundle.task, row), bundle.task.limits.record_bytes) for row in rows[:_BATCH]]
    with Sandbox() as sandbox:
        executable = sandbox.load(bundle.task, bundle.programs)
        executable.evaluate(records)
        batch = best(lambda: executable.evaluate(records)) / len(records)
        one = best(lambda: [executable.evaluate([record]) for record in records[:50]]) / 50
        load = best(lambda: sandbox.load(bundle.task, bundle.programs).close())
        executable.close()
    for name, value in (("a record in batches of 256", batch), ("one record", one), ("loading the version", load)):
        sys.stdout.write(f"{name:<30}{value:>12,.0f} us\n")
    return 0


def best(work: Callable[[], object]) -> float:
    """Return the least processor time of several rounds, in microseconds."""
    times = []
    for _ in range(_ROUNDS):
        started = time.thread_time()
        work()
        times.append(time.thread_time() - started)
    return min(times) * 1e6


if __name__ == "__main__":
    sys.exit(main())
