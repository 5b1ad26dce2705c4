"""Traffic: one thread that has messages labeled, one after the other, by each label service in turn."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from labelwright.client import Client, LabelwrightError
from labelwright.client.calling.retry import NO_RETRY

from tests.end_to_end.drift.messages import Message


class Source(Protocol):
    """What messages are drawn from."""

    def draw(self, rng: random.Random) -> Message:
        """Return the next message."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered and when, as a Unix time; ``label`` is None for an abstention."""

    at: float
    message: Message
    label: str | None
    version: int

    @property
    def right(self) -> bool:
        """Whether it is the right label; an abstention is not."""
        return self.label == self.message.label


class Traffic:
    """Runs until it is stopped. ``failures`` holds every request that got no answer: none is sent again."""

    def __init__(self, addresses: Sequence[str], task: str, source: Source, *, per_second: float, seed: int) -> None:
        self.answers: list[Answer] = []
        self.failures: list[str] = []
        self.source = source
        """May be changed at any time."""
        self._task = task
        self._pause = 1 / per_second
        self._rng = random.Random(seed)
        self._clients = [Client(address, retry=NO_RETRY) for address in addresses]
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="traffic", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, and wait for the request under way."""
        self._stopping.set()
        self._thread.join(timeout=60)
        for client in self._clients:
            client.close()

    def since(self, begin: float, end: float = float("inf")) -> list[Answer]:
        """Return the answers between two Unix times."""
        return [answer for answer in list(self.answers) if begin <= answer.at < end]

    def _run(self) -> None:
        number = 0
        due = time.monotonic()
        while not self._stopping.wait(max(due - time.monotonic(), 0)):
            due = max(due + self._pause, time.monotonic() - 1)
            self._send(self._clients[number % len(self._clients)])
            number += 1

    def _send(self, client: Client) -> None:
        message = self.source.draw(self._rng)
        try:
            found = client.label(self._task, message.text)
        except LabelwrightError as error:
            self.failures.append(f"{type(error).__name__}: {error.message}")
        else:
            self.answers.append(Answer(time.time(), message, found.label, found.version))


def accuracy(answers: Iterable[Answer]) -> float:
    """Return the share of right labels, NaN where there are no answers."""
    right = [answer.right for answer in answers]
    return sum(right) / len(right) if right else float("nan")


def share(answers: Iterable[Answer], label: str) -> float:
    """Return the share that a label has of those that got one, NaN where none did."""
    given = [answer.label for answer in answers if answer.label is not None]
    return given.count(label) / len(given) if given else float("nan")
