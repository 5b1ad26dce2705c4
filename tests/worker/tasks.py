"""Tasks that want a refresh: the spam example with too few programs, and recent records that these do not cover."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Iterable, Mapping

import redis
from labelwright.client import Registry, Version
from labelwright.core.bundle import open_bundle
from labelwright.core.recent import SCORE_BITS, RecentSample, member_of
from labelwright.core.record import pack
from labelwright.core.task import Task

from tests.worker.recorded_llm import RECORDS, SPAM

WEAK = ("prize", "plain_short")
"""Programs of the example that cover little of it."""
QUICK = {"sample": "true", "shadow_records": "0", "watch_minutes": "0", "cooldown_minutes": "0"}
"""[refresh]: no shadow, no watch, no cooldown."""

_numbers = itertools.count(1)


def bundle_files(name: str, programs: Iterable[str] = WEAK, *, gold: bool = True, **refresh: str) -> dict[str, bytes]:
    """Return the files of the example's bundle under another name, with some of its programs."""
    task = (SPAM / "bundle" / "task.toml").read_text().replace('name = "spam"', f'name = "{name}"')
    # The gates are for good versions; these are not.
    task = task[: task.index("[gates]")]
    settings = "".join(f"{key} = {value}\n" for key, value in (QUICK | refresh).items())
    files = {"task.toml": f"{task}[refresh]\n{settings}".encode()}
    files |= {f"programs/{name}.py": (SPAM / "bundle" / "programs" / f"{name}.py").read_bytes() for name in programs}
    for file in ("gold.jsonl", "sample.jsonl") if gold else ("sample.jsonl",):
        files[file] = (SPAM / "bundle" / file).read_bytes()
    return files


def new_name() -> str:
    """Return a task's name that no other test uses."""
    return f"spam-{next(_numbers)}"


def push(registry: Registry, files: Mapping[str, bytes]) -> Version:
    """Push a bundle that is accepted."""
    bundle, findings = open_bundle(files.items())
    assert bundle is not None, findings
    version = registry.push(bundle, author="test").version
    assert version is not None
    return version


def serve(registry: Registry, files: Mapping[str, bytes]) -> Version:
    """Push a bundle and make it production, whatever its gates say."""
    version = push(registry, files)
    registry.set_alias(version.task, version.number, actor="test", reason="to begin with", override=True)
    return version


def weak_task(registry: Registry, *, gold: bool = True, **refresh: str) -> Version:
    """Return the production version of a new task that wants a refresh."""
    return serve(registry, bundle_files(new_name(), gold=gold, **refresh))


def fill_sample(server: redis.Redis, task: Task, texts: Iterable[str] = RECORDS) -> None:
    """Put records into the task's sample of recent ones, as label services do."""
    sample = RecentSample.of(task)
    key = sample.key(sample.bucket(time.time()))
    chance = random.Random(1)
    drawn = [(chance.getrandbits(SCORE_BITS), pack((text,), task.limits.record_bytes)) for text in texts]
    server.zadd(key, {member_of(*item): item[0] for item in drawn})
    server.expire(key, sample.seconds)
