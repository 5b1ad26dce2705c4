from __future__ import annotations

import random

from assay.core.recent import MAX_BUCKET_BYTES, MAX_MEMBER_BYTES, RecentSample, score
from assay.service.recent_bucket import CHUNK_BYTES, CHUNK_RECORDS, RecentBucket
from hypothesis import given
from hypothesis import strategies as st

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


@given(st.lists(st.integers(0, 300)), st.integers(1, 40), st.integers(1, 3), st.integers(1, 50))
def test_whatever_comes_to_whichever_process_the_lowest_distinct_records_are_kept(
    numbers: list[int], records: int, processes: int, every: int
) -> None:
    sample, redis = RecentSample("spam", records, 3600), SortedSet()
    buckets = [RecentBucket(sample, 7, NOW) for _ in range(processes)]
    for place, number in enumerate(numbers):
        assert buckets[place % processes].add(f"[{number}]")
        if place % every == 0:
            redis.flush(buckets[place // every % processes])
    for bucket in buckets:
        redis.flush(bucket)
    assert list(redis.members) == sorted({f"[{number}]" for number in numbers}, key=score)[:records]


def test_most_records_need_no_write() -> None:
    bucket, redis = RecentBucket(RecentSample("spam", 100, 3600), 7, NOW), SortedSet()
    chance = random.Random(1)
    for _ in range(300):
        for _ in range(100):
            assert bucket.add(f"[{chance.randrange(20_000)}]")
        redis.flush(bucket)
    assert redis.writes < 250
    for text in redis.members:
        bucket.add(text)
    before = redis.writes
    redis.flush(bucket)
    assert redis.writes == before


def test_what_redis_lost_is_written_again_after_a_while() -> None:
    bucket, redis = RecentBucket(RecentSample("spam", 5, 3600), 7, NOW), SortedSet()
    texts = [f"[{number}]" for number in range(100)]
    for now in (NOW, NOW + 1, NOW + 61):
        if now == NOW + 1:
            redis.members.clear()
        for text in texts:
            bucket.add(text)
        redis.flush(bucket, now)
    for text in texts:
        bucket.add(text)
    redis.flush(bucket, NOW + 62)
    assert list(redis.members) == sorted(texts, key=score)[:5]


def test_chunks_are_bounded_in_records_and_in_bytes() -> None:
    sample = RecentSample("spam", 2000, 3600)
    small, large = RecentBucket(sample, 7, NOW), RecentBucket(sample, 7, NOW)
    for number in range(1000):
        small.add(str(number))
        large.add(f"{number:10000}")
    assert [len(chunk) for chunk in small.chunks(NOW)] == [CHUNK_RECORDS] * 3 + [1000 - 3 * CHUNK_RECORDS]
    sizes = [sum(map(len, chunk)) for chunk in large.chunks(NOW)]
    assert max(sizes) <= CHUNK_BYTES
    assert sum(sizes) == 1000 * 10_000


def test_a_record_too_large_is_refused_by_its_bytes() -> None:
    bucket = RecentBucket(RecentSample("spam", 2000, 3600), 7, NOW)
    assert bucket.add("x" * MAX_MEMBER_BYTES)
    assert not bucket.add("x" * (MAX_MEMBER_BYTES + 1))
    assert not bucket.add("\N{SNOWMAN}" * (MAX_MEMBER_BYTES // 3 + 1))


def test_large_records_leave_room_for_fewer() -> None:
    bucket, redis = RecentBucket(RecentSample("spam", 100_000, 3600), 7, NOW), SortedSet()
    for start in range(0, 2000, 100):
        for number in range(start, start + 100):
            bucket.add(f"{number:60000}")
        redis.flush(bucket)
    assert sum(map(len, redis.members)) <= MAX_BUCKET_BYTES
    assert len(redis.members) == MAX_BUCKET_BYTES // 60_000
    texts = [f"{number:60000}" for number in range(2000)]
    assert list(redis.members) == sorted(texts, key=score)[: len(redis.members)]
