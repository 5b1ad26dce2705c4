"""The second cache: answers in Redis, shared by all label servers and kept over restarts.

Redis must never slow requests down: a lookup takes at most the command's time-out, a separate thread writes, and after
a few failures the circuit breaker keeps requests from Redis until a probe, made by that thread, succeeds.
"""

from __future__ import annotations

import queue
import struct
import time
from collections.abc import Sequence
from typing import Protocol

import redis
import structlog
from labelwright.service.answer import LabelAnswer
from labelwright.service.breaker import RedisBreaker
from labelwright.service.caches.redis_pool import RedisPool
from labelwright.service.cost import Cost
from labelwright.service.metrics import ServiceMetrics
from labelwright.service.versions.live_version import LiveVersion
from labelwright.serving.background import Background
from labelwright.serving.redis_refusal import loggable
from typing_extensions import override

_log = structlog.get_logger(__name__)
_KEY_PREFIX = b"labelwright:1:"
"""Begins all keys; the number is the version of the values' format."""
_PROBE = ("MGET", _KEY_PREFIX + b"probe")
"""A command that is needed anyway, on a key like all others: the user may have no right to any more, PING included."""
_PROBE_EVERY = 128
"""In ``auto``, one in so many lookups is made even where computing is cheaper, to notice when that changes."""
_IDLE_SECONDS = 0.1

_Batch = list[tuple[bytes, bytes]]


class SharedCache(Protocol):
    """Answers by key, shared with other processes."""

    def get_many(self, version: LiveVersion, keys: Sequence[bytes]) -> dict[bytes, LabelAnswer]:
        """Return the answers that are known. Never raises, never takes longer than the time-out."""
        ...

    def put_many(self, version: LiveVersion, entries: Sequence[tuple[bytes, LabelAnswer]]) -> None:
        """Write the entries soon, or drop them."""
        ...

    def start(self) -> None:
        """Connect and start to write."""
        ...

    def close(self) -> None:
        """Stop writing and disconnect."""
        ...


class NullSharedCache(SharedCache):
    """Keeps nothing."""

    @override
    def get_many(self, version: LiveVersion, keys: Sequence[bytes]) -> dict[bytes, LabelAnswer]:
        return {}

    @override
    def put_many(self, version: LiveVersion, entries: Sequence[tuple[bytes, LabelAnswer]]) -> None:
        pass

    @override
    def start(self) -> None:
        pass

    @override
    def close(self) -> None:
        pass


class RedisCache(SharedCache):
    """Answers in Redis. It is asked where that is cheaper than computing; ``always`` asks it in any case."""

    def __init__(
        self, pool: RedisPool, metrics: ServiceMetrics, *, ttl_seconds: int, queue_batches: int, always: bool
    ) -> None:
        self._pool = pool
        self._ttl = ttl_seconds
        self._always = always
        self._skipped = 0
        self._takes_writes = True
        self._cost = Cost()
        self._writes: queue.Queue[_Batch] = queue.Queue(queue_batches)
        self.breaker = RedisBreaker()
        self._background = Background("redis", self._run)
        lookups = metrics.cache_lookups
        self._lookups = {name: lookups.labels("redis", name) for name in ("hit", "miss", "error", "skipped")}
        self._written = {name: metrics.redis_writes.labels(name) for name in ("written", "dropped", "failed")}
        self._seconds = metrics.redis_seconds

    @property
    def waiting(self) -> int:
        """Batches that wait to be written."""
        return self._writes.qsize()

    @override
    def start(self) -> None:
        self._background.start()

    @override
    def close(self) -> None:
        self._background.stop()
        self._pool.drop_ready()

    @override
    def get_many(self, version: LiveVersion, keys: Sequence[bytes]) -> dict[bytes, LabelAnswer]:
        connection = self._pool.take() if self._worth_asking(version, len(keys)) else None
        if connection is None:
            self._lookups["skipped"].inc(len(keys))
            return {}
        started = time.perf_counter()
        try:
            values = self._pool.call(connection, "MGET", *[_KEY_PREFIX + key for key in keys])
        except (redis.RedisError, OSError) as error:
            self._cost.add(len(keys), time.perf_counter() - started)
            self._failed(connection, error)
            self._lookups["error"].inc(len(keys))
            return {}
        seconds = time.perf_counter() - started
        self._cost.add(len(keys), seconds)
        self._seconds.observe(seconds)
        self._pool.give_back(connection)
        self._succeeded()
        answers = {
            key: answer
            for key, value in zip(keys, values, strict=True)
            if value is not None and (answer := decode(version, value)) is not None
        }
        self._lookups["hit"].inc(len(answers))
        self._lookups["miss"].inc(len(keys) - len(answers))
        return answers

    @override
    def put_many(self, version: LiveVersion, entries: Sequence[tuple[bytes, LabelAnswer]]) -> None:
        if self.breaker.state or not self._cheaper(version, len(entries)):
            return
        batch = [(_KEY_PREFIX + key, encode(answer)) for key, answer in entries]
        try:
            self._writes.put_nowait(batch)
        except queue.Full:
            self._written["dropped"].inc(len(batch))

    def _worth_asking(self, version: LiveVersion, records: int) -> bool:
        if self.breaker.state:
            return False
        if self._cheaper(version, records):
            return True
        self._skipped += 1
        return self._skipped % _PROBE_EVERY == 0

    def _cheaper(self, version: LiveVersion, records: int) -> bool:
        if self._always:
            return True
        asking, computing = self._cost.estimate(records), version.compute_cost.estimate(records)
        return asking is None or computing is None or asking < computing

    def _run(self) -> None:
        while not self._background.stopping.is_set():
            try:
                self._tend()
            except Exception as error:
                # Whatever redis-py or a proxy raises, this thread must go on.
                self._failed(None, error)

    def _tend(self) -> None:
        """Keep connections open, write batches that wait, probe where the breaker is open."""
        if self.breaker.state:
            self._probe()
            return
        if self._pool.wants_more and not self._connect():
            return
        try:
            batch = self._writes.get(timeout=_IDLE_SECONDS)
        except queue.Empty:
            return
        self._write(batch)

    def _probe(self) -> None:
        if not self.breaker.probe_is_due():
            self._background.stopping.wait(0.05)
        elif self._connect():
            self._succeeded()

    def _connect(self) -> bool:
        try:
            self._pool.add(*_PROBE)
        except (redis.RedisError, OSError) as error:
            self._failed(None, error)
            return False
        return True

    def _write(self, batch: _Batch) -> None:
        connection = self._pool.take()
        if connection is None:
            self._written["dropped"].inc(len(batch))
            return
        try:
            self._pool.call_many(connection, [("SET", key, value, "EX", self._ttl) for key, value in batch])
        except redis.ResponseError as error:
            # No right to SET, a replica, out of memory: it can be asked all the same.
            self._written["failed"].inc(len(batch))
            self._pool.give_back(connection)
            if self._takes_writes:
                _log.warning("redis takes no answers", **loggable(error))
            self._takes_writes = False
            return
        except (redis.RedisError, OSError) as error:
            self._written["failed"].inc(len(batch))
            self._failed(connection, error)
            return
        self._pool.give_back(connection)
        self._written["written"].inc(len(batch))
        if not self._takes_writes:
            _log.info("redis takes answers again")
        self._takes_writes = True

    def _succeeded(self) -> None:
        if self.breaker.succeeded():
            _log.info("redis is back")

    def _failed(self, connection: object | None, error: Exception) -> None:
        if connection is not None:
            self._pool.drop(connection)
        if self.breaker.failed():
            self._pool.drop_ready()
            _log.warning("redis is not used until it answers again", **loggable(error))


def encode(answer: LabelAnswer) -> bytes:
    """Return the votes as little-endian 16-bit integers; the decision follows from them."""
    return struct.pack(f"<{len(answer.votes)}h", *answer.votes)


def decode(version: LiveVersion, value: bytes) -> LabelAnswer | None:
    """Return the answer that ``encode`` stored, or None where the value is not one that this version can give."""
    if len(value) % 2:
        return None
    votes = struct.unpack(f"<{len(value) // 2}h", value)
    return version.answers.of(votes) if version.answers.accepts(votes) else None
