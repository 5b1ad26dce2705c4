"""The sample of recent records that label services keep in Redis for tasks that ask for one, and how it is read.

Each stretch of time, a bucket, is a sorted set: every occurrence of a record draws a score at random, and only the
lowest are kept. Such a bottom-k sketch (Cohen and Kaplan, "Summarizing data using bottom-k sketches", PODC 2007) is a
uniform sample of the bucket's *traffic* over all services, which need not talk to each other. A record that is a tenth
of the traffic is about a tenth of the sample, so figures of the sample can be compared with those of traffic. A member
begins with its own score, so that equal records stand in a sorted set as often as they were drawn.

Only ``read_recent`` talks to Redis, through the client that it is given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from labelwright.core.task import Task

BUCKETS = 8
"""Buckets of a sample's time: an eighth of the sample ages out at once."""
MAX_MEMBER_BYTES = 64 << 10
"""A packed record above this is not kept: 2,000 of this size already take 125 MiB of Redis."""
MAX_BUCKET_BYTES = 32 << 20
"""About the size of a bucket at most: where records are large, it holds fewer of them."""
SCORE_BITS = 52
"""A double, Redis's type of scores, holds them exactly."""
_DIGITS = SCORE_BITS // 4


class SortedSets(Protocol):
    """The part of ``redis.Redis`` that reading needs; core does without the library."""

    def zrange(self, name: str, start: int, end: int, /) -> Any:
        """Return a sorted set's members, lowest score first, from rank ``start`` to ``end`` inclusive."""
        ...


@dataclass(frozen=True, slots=True)
class RecentSample:
    """One task's sample: at most ``records`` in a bucket, none older than ``seconds``. Buckets count from 1970."""

    task: str
    records: int
    seconds: int

    @classmethod
    def of(cls, task: Task) -> RecentSample:
        """Return the sample that the task's settings describe, even where they do not ask for one."""
        return cls(task.name, task.refresh.sample_records, task.refresh.sample_hours * 3600)

    @property
    def bucket_seconds(self) -> int:
        """Seconds that a bucket covers."""
        return max(self.seconds // BUCKETS, 1)

    def bucket(self, now: float) -> int:
        """Return the bucket of this moment; ``now`` is a Unix time in seconds."""
        return int(now // self.bucket_seconds)

    def key(self, bucket: int) -> str:
        """Return the bucket's key. In a cluster, the braces keep all buckets of a task on one server."""
        return f"labelwright:recent:{{{self.task}}}:{bucket}"

    def seconds_left(self, bucket: int, now: float) -> int:
        """Return how long the bucket may still be kept, at least 1.

        Counted from the bucket's beginning, so that a late record does not keep the first ones any longer.
        """
        return max(int(bucket * self.bucket_seconds + self.seconds - now), 1)

    def buckets(self, now: float) -> Sequence[int]:
        """Return the buckets that may hold records, newest first, with one more for services whose clocks are ahead."""
        newest = self.bucket(now)
        return range(newest + 1, newest - BUCKETS, -1)


def member_of(score: int, packed: str) -> str:
    """Return the member for one occurrence of the packed record; ``score`` is below 2**52."""
    return f"{score:0{_DIGITS}x}{packed}"


def record_of(member: str | bytes) -> str:
    """Return the packed record of a member."""
    return (member if isinstance(member, str) else member.decode())[_DIGITS:]


def read_recent(client: SortedSets, sample: RecentSample, now: float) -> list[str]:
    """Return up to ``sample.records`` packed records: newest bucket first, by score within one.

    A record comes as often as it was drawn. ``now`` is a Unix time in seconds. Raises the client's own errors. The
    records were valid for the version that was production at the time; a later one may have other fields.
    """
    packed: list[str] = []
    for bucket in sample.buckets(now):
        missing = sample.records - len(packed)
        if not missing:
            break
        packed += map(record_of, client.zrange(sample.key(bucket), 0, missing - 1))
    return packed
