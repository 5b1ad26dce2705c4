from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st
from labelwright.core.recent import BUCKETS, SCORE_BITS, RecentSample, member_of, read_recent, record_of
from labelwright.core.task import Task

from tests.parts.redis import Redis

NOW = 1_800_000_000.0
SAMPLE = RecentSample("spam", records=5, seconds=3600)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[redis.Redis]:
    server = Redis(tmp_path).start()
    yield server.client()
    server.stop()


def keep(client: redis.Redis, sample: RecentSample, bucket: int, texts: list[str]) -> list[str]:
    """Put records into a bucket; return them packed, by score."""
    packed = [json.dumps([text], ensure_ascii=False) for text in texts]
    scores = sorted(random.sample(range(1 << SCORE_BITS), len(texts)))
    client.zadd(sample.key(bucket), {member_of(*pair): pair[0] for pair in zip(scores, packed, strict=True)})
    return packed


def test_the_settings_of_a_task_say_how_much_is_kept_and_for_how_long(task: Task) -> None:
    sample = RecentSample.of(task)
    assert sample == RecentSample("all-kinds", 2000, 24 * 3600)
    assert sample.bucket_seconds == 3 * 3600
    assert sample.key(7) == "labelwright:recent:{all-kinds}:7"


def test_the_newest_bucket_is_read_first_and_by_score(client: redis.Redis) -> None:
    newest = SAMPLE.bucket(NOW)
    old = keep(client, SAMPLE, newest - 1, ["a", "b", "c", "d"])
    new = keep(client, SAMPLE, newest, ["\N{SNOWMAN}", "f", "g"])
    assert read_recent(client, SAMPLE, NOW) == [*new, *old[:2]]


def test_a_record_comes_as_often_as_it_was_drawn(client: redis.Redis) -> None:
    newest = SAMPLE.bucket(NOW)
    old = keep(client, SAMPLE, newest - 1, ["a", "b", "c", "d"])
    new = keep(client, SAMPLE, newest, ["a", "b", "a"])
    assert read_recent(client, SAMPLE, NOW) == [*new, *old[:2]]


def test_a_client_that_decodes_reads_the_same(client: redis.Redis) -> None:
    kept = keep(client, SAMPLE, SAMPLE.bucket(NOW), ["a", "\N{SNOWMAN}"])
    port = client.get_connection_kwargs()["port"]
    assert read_recent(redis.Redis(port=port, decode_responses=True), SAMPLE, NOW) == kept


def test_scores_come_back_from_redis_exactly(client: redis.Redis) -> None:
    kept = keep(client, SAMPLE, 0, [str(number) for number in range(500)])
    stored = cast("list[tuple[bytes, float]]", client.zrange(SAMPLE.key(0), 0, -1, withscores=True))
    assert [record_of(member) for member, _ in stored] == kept
    assert all(member.decode() == member_of(int(value), record_of(member)) for member, value in stored)


def test_other_tasks_and_what_is_too_old_are_not_read(client: redis.Redis) -> None:
    newest = SAMPLE.bucket(NOW)
    keep(client, RecentSample("other", 5, 3600), newest, ["a"])
    keep(client, SAMPLE, newest - BUCKETS, ["b"])
    assert read_recent(client, SAMPLE, NOW) == []


@given(st.floats(0, 4e9), st.integers(1, 720))
def test_no_record_outlives_its_time_and_every_bucket_that_may_live_is_read(now: float, hours: int) -> None:
    sample = RecentSample("spam", 50, hours * 3600)
    bucket = sample.bucket(now)
    left = sample.seconds_left(bucket, now)
    assert (1 - 1 / BUCKETS) * sample.seconds - 1 <= left <= sample.seconds
    assert bucket in sample.buckets(now)
    assert bucket in sample.buckets(now + left - 1)


@given(st.text(), st.integers(0, 2**SCORE_BITS - 1), st.integers(0, 2**SCORE_BITS - 1))
def test_a_member_gives_its_record_back_and_each_score_makes_another(packed: str, one: int, other: int) -> None:
    assert int(float(one)) == one
    assert record_of(member_of(one, packed)) == record_of(member_of(one, packed).encode()) == packed
    assert (member_of(one, packed) == member_of(other, packed)) == (one == other)
