"""Forks with an open client, as a program of its own: a child of a test's process would inherit the test's threads.

``python -m tests.client.calling.forks ADDRESS busy`` forks while threads are calling, ``idle`` while none is. Each line
on standard output is what one child said, "hung" where it said nothing in time.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable

from labelwright.client import AsyncClient, Client
from labelwright.core.errors import LabelwrightError

TIMEOUT = 3.0
"""Of a call; a child that takes longer than this and a little has hung."""
TASK, TEXT = "spam", "hi mum, see you"


def child(act: Callable[[], object]) -> str:
    """Return what an act in a forked process came to."""
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            said = f"did: {act()}"
        except LabelwrightError as error:
            said = f"{type(error).__name__}: {error.message}"
        except BaseException as error:
            said = f"raw {type(error).__name__}: {error}"
        os.write(writing, said.encode())
        sys.exit(0)  # as a program ends: everything is collected
    os.close(writing)
    deadline = time.monotonic() + TIMEOUT + 5
    while not os.waitpid(pid, os.WNOHANG)[0]:
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            return "hung"
        time.sleep(0.02)
    with os.fdopen(reading) as said_by_child:
        return said_by_child.read() or "died"


def main(address: str, state: str) -> None:
    client = Client(address, timeout=TIMEOUT)
    client.label(TASK, TEXT)
    asyncio.run(_asyncio_is_used(address))
    stream = client.label_stream(TASK, iter(["a", "b", "c"]))
    done = threading.Event()

    def call() -> None:
        number = 0
        while not done.is_set():
            client.label_batch(TASK, [f"{number} {place}" for place in range(20)])
            number += 1

    threads = [threading.Thread(target=call) for _ in range(4 if state == "busy" else 0)]
    for thread in threads:
        thread.start()
    if threads:
        next(stream)
    acts: dict[str, Callable[[], object]] = {
        "label": lambda: client.label(TASK, TEXT).label,
        "close": client.close,
        "stream": lambda: len(list(stream)),
        "leave": lambda: "nothing",
    }
    for name, act in acts.items():
        for _ in range(5):
            sys.stdout.write(json.dumps([name, child(act)]) + "\n")
            sys.stdout.flush()
    done.set()
    for thread in threads:
        thread.join()
    sys.stdout.write(json.dumps(["parent", f"did: {client.label(TASK, TEXT).label}"]) + "\n")


async def _asyncio_is_used(address: str) -> None:
    async with AsyncClient(address, timeout=TIMEOUT) as client:
        await client.label(TASK, TEXT)


if __name__ == "__main__":
    main(*sys.argv[1:])
