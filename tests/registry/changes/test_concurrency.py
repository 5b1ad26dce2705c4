from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from labelwright.v1 import registry_service_pb2 as pb

from tests.parts.registry import Registry, push
from tests.registry.bundles import new_name, variant
from tests.registry.databases import DATABASES, new_url

BUNDLES = 6


@pytest.fixture(params=DATABASES)
def pair(request: pytest.FixtureRequest, tmp_path: Path):
    """Two registry processes, started at once, on one empty database and one folder of artifacts."""
    url = new_url(request.param, tmp_path, request)
    registries = [Registry(tmp_path / "data", database_url=url, poll_seconds=0.1) for _ in range(2)]
    for number, registry in enumerate(registries):
        registry.log = tmp_path / f"{number}.log"
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(Registry.start, registries))
    yield registries
    for registry in registries:
        registry.stop()


def test_two_processes_pushing_the_same_and_different_bundles(pair: list[Registry]) -> None:
    name = new_name()
    stubs = [registry.stub() for registry in pair for _ in range(2)]
    work = [(stub, number) for number in range(BUNDLES) for stub in stubs]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda item: push(item[0], variant(name, item[1])), work))
    numbers: dict[int, set[int]] = {}
    for (_, bundle), answer in zip(work, answers, strict=True):
        numbers.setdefault(bundle, set()).add(answer.version.number)
    assert sorted(number for found in numbers.values() for number in found) == list(range(1, BUNDLES + 1))
    assert Counter(answer.created for answer in answers)[True] == BUNDLES
    for registry in pair:
        listed = registry.stub().ListVersions(pb.ListVersionsRequest(task=name)).versions
        assert [version.number for version in listed] == list(range(BUNDLES, 0, -1))
        for version in listed:
            request = pb.DownloadBundleRequest(task=name, version=version.number)
            assert registry.stub().DownloadBundle(request).version.digest == version.digest


def test_watchers_of_one_process_see_every_change_of_both_in_order(pair: list[Registry]) -> None:
    name = new_name()
    push(pair[0].stub(), variant(name, 1))
    push(pair[0].stub(), variant(name, 2))
    watch = pair[0].stub().Watch(pb.WatchRequest(tasks=[name]), timeout=60)
    assert next(watch).full

    def move(item: tuple[int, int]) -> int:
        thread, turn = item
        request = pb.SetAliasRequest(task=name, alias=f"alias-{thread}-{turn}", version=1 + turn % 2)
        return pair[thread % 2].stub().SetAlias(request).alias.revision

    with ThreadPoolExecutor(4) as pool:
        revisions = sorted(pool.map(move, [(thread, turn) for thread in range(4) for turn in range(10)]))
    assert revisions == list(range(revisions[0], revisions[0] + 40))
    seen: dict[int, str] = {}
    last = 0
    for update in watch:
        assert not update.full
        assert update.revision >= last
        last = update.revision
        for alias in update.aliases:
            assert alias.revision not in seen
            seen[alias.revision] = alias.name
        if len(seen) == 40:
            break
    watch.cancel()
    assert sorted(seen) == revisions
