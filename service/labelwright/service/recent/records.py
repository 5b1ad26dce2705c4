"""The sample of recent records, written to Redis for the tasks that ask for one (see labelwright.core.recent).

A request puts its records into a bounded backlog and goes on. A separate thread does the rest: it chooses records and
sends one pipeline for each bucket that changed. A slow or unavailable Redis costs records of the sample, not requests.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Protocol

import redis
import structlog
from labelwright.core.recent import RecentSample
from labelwright.service.backlog import Backlog
from labelwright.service.breaker import BreakerState, RedisBreaker
from labelwright.service.metrics import ServiceMetrics
from labelwright.service.recent.bucket import RecentBucket, ScoredMembers
from labelwright.serving.background import Background
from labelwright.serving.redis_refusal import loggable
from redis.backoff import NoBackoff
from redis.retry import Retry
from typing_extensions import override

_log = structlog.get_logger(__name__)
_EVERY_SECONDS = 0.2
_REDIS_SECONDS = 1.0
"""To connect, and for one pipeline. Only the thread waits."""
_MAX_RECORDS = 16_384
_MAX_BYTES = 16 << 20
"""Bounds of the backlog, for all tasks together."""


class RecentWriter(Protocol):
    """Takes the production traffic of tasks that ask for a sample."""

    def offer(self, sample: RecentSample, packed: Sequence[str]) -> None:
        """Consider the records soon, or drop them. Never waits, never raises."""
        ...

    def start(self) -> None:
        """Start to write."""
        ...

    def close(self) -> None:
        """Stop; records that were not written yet are lost to the sample."""
        ...


class NullRecentWriter(RecentWriter):
    """Keeps nothing: there is no Redis."""

    @override
    def offer(self, sample: RecentSample, packed: Sequence[str]) -> None:
        pass

    @override
    def start(self) -> None:
        pass

    @override
    def close(self) -> None:
        pass


class RedisRecentWriter(RecentWriter):
    """Writes the sample to Redis."""

    def __init__(self, url: str, metrics: ServiceMetrics) -> None:
        """Raise ValueError where ``url`` is not a Redis URL."""
        self._redis = redis.Redis.from_url(
            url,
            socket_timeout=_REDIS_SECONDS,
            socket_connect_timeout=_REDIS_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        self._backlog: Backlog[tuple[RecentSample, Sequence[str]]] = Backlog(_MAX_RECORDS, _MAX_BYTES)
        self._buckets: dict[str, RecentBucket] = {}
        self._breaker = RedisBreaker()
        self._may_write = False
        self._background = Background("recent", self._run)
        results = metrics.recent_records
        self._counts = {name: results.labels(name) for name in ("kept", "dropped", "failed", "too_large")}

    @override
    def offer(self, sample: RecentSample, packed: Sequence[str]) -> None:
        if self._breaker.state is BreakerState.OPEN or not self._backlog.put((sample, packed), packed):
            self._counts["dropped"].inc(len(packed))

    @override
    def start(self) -> None:
        self._background.start()

    @override
    def close(self) -> None:
        self._background.stop()
        self._redis.close()

    def _run(self) -> None:
        while not self._background.stopping.wait(_EVERY_SECONDS):
            try:
                self._tend(time.time())
            except Exception as error:
                # Whatever it was, this thread must go on.
                self._failed(error)

    def _tend(self, now: float) -> None:
        """Go through the backlog and write what belongs into the sample."""
        if self._breaker.state is BreakerState.OPEN:
            self._counts["dropped"].inc(sum(len(packed) for _, packed in self._backlog.take()))
            # The next write is the probe: Redis may answer a ping and yet refuse to write because it is out of memory.
            self._breaker.probe_is_due()
            return
        for sample, packed in self._backlog.take():
            bucket = self._bucket(sample, now)
            for record in packed:
                if not bucket.add(record):
                    self._counts["too_large"].inc()
            time.sleep(0)  # gives way to the threads of requests
        self._buckets = {task: item for task, item in self._buckets.items() if item.number == item.sample.bucket(now)}
        for bucket in list(self._buckets.values()):
            self._flush(bucket, now)

    def _flush(self, bucket: RecentBucket, now: float) -> None:
        chunks = bucket.chunks(now)
        for chunk in chunks:
            try:
                highest = self._write(bucket, chunk, now)
            except (redis.RedisError, OSError) as error:
                self._counts["failed"].inc(len(chunk) + sum(map(len, chunks)))
                self._failed(error)
                return
            self._counts["kept"].inc(len(chunk))
            bucket.wrote(chunk, highest)
            if self._breaker.succeeded():
                _log.info("recent records are kept again")

    def _bucket(self, sample: RecentSample, now: float) -> RecentBucket:
        number = sample.bucket(now)
        bucket = self._buckets.get(sample.task)
        if bucket is None or bucket.number != number or bucket.sample != sample:
            bucket = self._buckets[sample.task] = RecentBucket(sample, number, now)
        return bucket

    def _write(self, bucket: RecentBucket, chunk: ScoredMembers, now: float) -> int | None:
        """Return the score at the bucket's last place, None where that is free. Raises redis.RedisError, OSError."""
        if not self._may_write:
            # First without records: where MULTI is refused, Redis runs what follows, and might refuse EXPIRE too.
            self._transact(bucket, {}, now)
            self._may_write = True
        return self._transact(bucket, dict(chunk), now)

    def _transact(self, bucket: RecentBucket, added: dict[str, int], now: float) -> int | None:
        key, last = bucket.sample.key(bucket.number), bucket.room - 1
        # A transaction: no key may be left without a time to live or above its bound.
        pipeline = self._redis.pipeline(transaction=True)
        if added:
            pipeline.zadd(key, added)
        pipeline.zremrangebyrank(key, last + 1, -1)
        pipeline.expire(key, bucket.sample.seconds_left(bucket.number, now))
        pipeline.zrange(key, last, last, withscores=True)
        *_, highest = pipeline.execute()
        return int(highest[0][1]) if highest else None

    def _failed(self, error: Exception) -> None:
        # What Redis will hold is unknown: it may come back empty.
        self._buckets.clear()
        self._may_write = False
        if self._breaker.failed():
            _log.warning("recent records are not kept until redis answers again", **loggable(error))
