"""Recent records: from the sample that label services keep in Redis, and as a file of a run."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Protocol, Self

import redis
from labelwright.core.errors import ConfigurationError, LabelwrightError, Unavailable
from labelwright.core.recent import RecentSample, read_recent
from labelwright.core.record import unpack
from labelwright.core.task import Task
from labelwright.serving.redis_refusal import refusal_of
from labelwright.worker.runs.lease import RunLease
from redis.backoff import NoBackoff
from redis.retry import Retry
from typing_extensions import override

FEWEST = 50
"""With fewer distinct records nothing is learned or decided."""
SAMPLE_FILE = "sample.jsonl"
"""The run file of the records that were learned from."""
_TIMEOUT_SECONDS = 5.0


class RecentReader(Protocol):
    """Reads recent records."""

    def read(self, task: Task) -> list[str]:
        """Return the task's packed records that fit it, newest first, as often as they were drawn from traffic.

        Raises Unavailable.
        """
        ...


class NullRecentReader(RecentReader):
    """Reads none: there is no Redis."""

    @override
    def read(self, task: Task) -> list[str]:
        return []


class RedisRecentReader(RecentReader):
    """Reads the sample that label services keep in Redis."""

    def __init__(self, url: str) -> None:
        """Raise ConfigurationError where ``url`` is not a Redis URL."""
        try:
            self._client = redis.Redis.from_url(
                url,
                socket_timeout=_TIMEOUT_SECONDS,
                socket_connect_timeout=_TIMEOUT_SECONDS,
                # No retries here: the step is taken again.
                retry=Retry(NoBackoff(), 0),
            )
        except ValueError:
            # Not the URL itself: it may hold a password.
            raise ConfigurationError(
                "LABELWRIGHT_WORKER_REDIS_URL: is not the URL of a Redis", advice="for example redis://127.0.0.1:6379/0"
            ) from None

    @override
    def read(self, task: Task) -> list[str]:
        try:
            packed = read_recent(self._client, RecentSample.of(task), time.time())
        except (redis.RedisError, OSError) as error:
            refused = refusal_of(error)
            raise Unavailable(
                f"the Redis that keeps recent records {f'refuses {refused}' if refused else 'does not answer'}",
                advice="give the user in LABELWRIGHT_WORKER_REDIS_URL the rights that docs/worker.md names"
                if refused
                else "is it running, and is LABELWRIGHT_WORKER_REDIS_URL right?",
                part="redis",
                kind=type(error).__name__,
            ) from error
        return [line for line in packed if _fits(task, line)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()


def are_enough(packed: Sequence[str]) -> bool:
    """Return whether there are enough records to learn from or decide on; repetitions count once."""
    return len(set(packed)) >= FEWEST


def keep_records(lease: RunLease, name: str, packed: Sequence[str]) -> None:
    """Keep packed records as a file of the run, one a line."""
    lease.put(name, "".join(f"{line}\n" for line in packed).encode())


def kept_records(lease: RunLease, name: str) -> list[str] | None:
    """Return the packed records of a file of the run, None where there is none."""
    content = lease.get(name)
    # Not splitlines, which also splits at other characters that a text may contain.
    return None if content is None else content.decode().split("\n")[:-1]


def _fits(task: Task, packed: str) -> bool:
    try:
        unpack(task, packed)
    except LabelwrightError:
        return False
    return len(packed.encode()) <= task.limits.record_bytes
