from __future__ import annotations

import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from labelwright.core.recent import MAX_BUCKET_BYTES, MAX_MEMBER_BYTES, RecentSample, record_of
from labelwright.service.recent.bucket import CHUNK_BYTES, CHUNK_RECORDS, RecentBucket

NOW = 1_800_000_000.0


class SortedSet:
    """What Redis does with a bucket."""

    def __init__(self) -> None:
        self.members: dict[str, int] = {}
        self.writes = 0

    def flush(self, bucket: RecentBucket, now: float = NOW) -> None:
        for chunk in bucket.chunks(now):
            self.writes += 1
            self.members |= chunk
            lowest = sorted(self.members.items(), key=lambda item: item[1])[: bucket.room]
            self.members = dict(lowest)
            bucket.wrote(chunk, lowest[-1][1] if len(lowest) == bucket.room else None)

    @property
    def records(self) -> list[str]:
        return [record_of(member) for member in self.members]


class Draws:
    """Random numbers that are remembered."""

    def __init__(self, seed: int = 0) -> None:
        self.random = random.Random(seed)
        self.drawn: list[int] = []

    def __call__(self, bits: int) -> int:
        self.drawn.append(self.random.getrandbits(bits))
        return self.drawn[-1]


@given(st.lists(st.integers(0, 300)), st.integers(1, 40), st.integers(1, 3), st.integers(1, 50))
def test_whatever_comes_to_whichever_process_the_lowest_draws_are_kept(
    numbers: list[int], records: int, processes: int, every: int
) -> None:
    sample, redis, draws = RecentSample("spam", records, 3600), SortedSet(), Draws()
    buckets = [RecentBucket(sample, 7, NOW, draws) for _ in range(processes)]
    for place, number in enumerate(numbers):
        assert buckets[place % processes].add(f"[{number}]")
        if place % every == 0:
            redis.flush(buckets[place // every % processes])
    for bucket in buckets:
        redis.flush(bucket)
    lowest = sorted(zip(draws.drawn, numbers, strict=True))[:records]
    assert list(redis.members.values()) == [place for place, _ in lowest]
    assert redis.records == [f"[{number}]" for _, number in lowest]


def test_most_records_need_no_write() -> None:
    bucket, redis = RecentBucket(RecentSample("spam", 100, 3600), 7, NOW, Draws()), SortedSet()
    for number in range(300):
        for _ in range(100):
            assert bucket.add(f"[{number}]")
        redis.flush(bucket)
    assert redis.writes < 250
    assert max(Counter(redis.records).values()) < 10


def test_what_redis_lost_is_written_again_after_a_while() -> None:
    draws, redis = Draws(), SortedSet()
    bucket = RecentBucket(RecentSample("spam", 5, 3600), 7, NOW, draws)
    for texts, now in ((100, NOW), (100, NOW + 59), (0, NOW + 61), (100, NOW + 62)):
        bound = max(redis.members.values(), default=0)
        redis.members.clear()
        draws.drawn.clear()
        for number in range(texts):
            bucket.add(f"[{number}]")
        redis.flush(bucket, now)
        if now == NOW + 59:
            assert list(redis.members.values()) == sorted(draw for draw in draws.drawn if draw < bound)[:5]
    assert list(redis.members.values()) == sorted(draws.drawn)[:5]


def test_chunks_are_bounded_in_records_and_in_bytes() -> None:
    sample = RecentSample("spam", 2000, 3600)
    small, large = RecentBucket(sample, 7, NOW), RecentBucket(sample, 7, NOW)
    for number in range(1000):
        small.add(str(number))
        large.add(f"{number:10000}")
    assert [len(chunk) for chunk in small.chunks(NOW)] == [CHUNK_RECORDS] * 3 + [1000 - 3 * CHUNK_RECORDS]
    sizes = [sum(map(len, chunk)) for chunk in large.chunks(NOW)]
    assert max(sizes) <= CHUNK_BYTES
    assert sum(sizes) == 1000 * 10_013


def test_a_record_too_large_is_refused_by_its_bytes() -> None:
    bucket = RecentBucket(RecentSample("spam", 2000, 3600), 7, NOW)
    assert bucket.add("x" * MAX_MEMBER_BYTES)
    assert not bucket.add("x" * (MAX_MEMBER_BYTES + 1))
    assert not bucket.add("\N{SNOWMAN}" * (MAX_MEMBER_BYTES // 3 + 1))


def test_large_records_leave_room_for_fewer() -> None:
    draws, redis = Draws(), SortedSet()
    bucket = RecentBucket(RecentSample("spam", 100_000, 3600), 7, NOW, draws)
    for start in range(0, 2000, 100):
        for number in range(start, start + 100):
            bucket.add(f"{number:60000}")
        redis.flush(bucket)
    assert sum(map(len, redis.members)) <= MAX_BUCKET_BYTES
    assert len(redis.members) == MAX_BUCKET_BYTES // 60_013
    assert list(redis.members.values()) == sorted(draws.drawn)[: len(redis.members)]
