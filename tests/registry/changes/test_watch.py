from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from labelwright.core.errors import Overloaded, Unavailable
from labelwright.core.report import Report
from labelwright.core.wire.status import from_rpc_error
from labelwright.registry.changes.feed import read_update
from labelwright.registry.store.aliases import AliasStore, Move
from labelwright.registry.store.database import Database
from labelwright.registry.store.versions import NewVersion, VersionStore
from labelwright.v1 import registry_service_pb2 as pb
from labelwright.v1 import registry_service_pb2_grpc as pb_grpc

from tests.parts.registry import Registry, push
from tests.registry.bundles import new_name, variant

Stub = pb_grpc.RegistryServiceStub


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Registry]:
    """A registry that this test may stop and start."""
    process = Registry(tmp_path / "data", heartbeat_seconds=0.2, max_watchers=3, threads=2).start()
    yield process
    process.stop()


def make_task(stub: Stub) -> str:
    name = new_name()
    push(stub, variant(name, 1))
    push(stub, variant(name, 2))
    return name


def set_alias(stub: Stub, task: str, alias: str, version: int) -> int:
    return stub.SetAlias(pb.SetAliasRequest(task=task, alias=alias, version=version)).alias.revision


def next_change(watch: Iterator[pb.WatchResponse]) -> pb.WatchResponse:
    return next(update for update in watch if update.full or update.aliases or update.removed)


def test_the_full_state_comes_first_then_each_change(registry: Registry) -> None:
    stub = registry.stub()
    task = make_task(stub)
    set_alias(stub, task, "production", 1)
    watch = stub.Watch(pb.WatchRequest(tasks=[task]), timeout=60)
    first = next(watch)
    assert first.full
    assert [(alias.name, alias.version) for alias in first.aliases] == [("production", 1)]
    revision = set_alias(stub, task, "production", 2)
    change = next_change(watch)
    assert not change.full
    assert [(alias.version, alias.revision) for alias in change.aliases] == [(2, revision)]
    assert change.aliases[0].digest == stub.GetVersion(pb.GetVersionRequest(task=task, version=2)).version.digest
    set_alias(stub, task, "shadow", 1)
    assert next_change(watch).aliases[0].name == "shadow"
    stub.DeleteAlias(pb.DeleteAliasRequest(task=task, alias="shadow"))
    assert [(alias.task, alias.name) for alias in next_change(watch).removed] == [(task, "shadow")]
    watch.cancel()


def test_a_quiet_watch_is_told_that_it_lives(registry: Registry) -> None:
    stub = registry.stub()
    watch = stub.Watch(pb.WatchRequest(tasks=["no-such-task"]), timeout=60)
    first = next(watch)
    assert first.full
    beats = [next(watch) for _ in range(3)]
    assert all(not beat.full and not beat.aliases and not beat.removed for beat in beats)
    watch.cancel()


def test_other_tasks_changes_are_left_out(registry: Registry) -> None:
    stub = registry.stub()
    mine, other = make_task(stub), make_task(stub)
    watch = stub.Watch(pb.WatchRequest(tasks=[mine]), timeout=60)
    next(watch)
    set_alias(stub, other, "production", 1)
    set_alias(stub, mine, "production", 1)
    assert [alias.task for alias in next_change(watch).aliases] == [mine]
    watch.cancel()


def test_what_was_missed_is_sent_without_the_full_state(registry: Registry) -> None:
    stub = registry.stub()
    task = make_task(stub)
    known = set_alias(stub, task, "production", 1)
    set_alias(stub, task, "gone", 1)
    set_alias(stub, task, "production", 2)
    stub.DeleteAlias(pb.DeleteAliasRequest(task=task, alias="gone"))
    watch = stub.Watch(pb.WatchRequest(tasks=[task], since_revision=known), timeout=60)
    first = next(watch)
    assert not first.full
    assert [(alias.name, alias.version) for alias in first.aliases] == [("production", 2)]
    assert [alias.name for alias in first.removed] == ["gone"]
    watch.cancel()


@pytest.mark.parametrize("ahead", [1, 2**64 - 1])
def test_a_revision_from_the_future_means_a_restored_backup_and_gets_the_full_state(
    registry: Registry, ahead: int
) -> None:
    stub = registry.stub()
    task = make_task(stub)
    present = set_alias(stub, task, "production", 1)
    since = min(present + ahead, 2**64 - 1)
    first = next(stub.Watch(pb.WatchRequest(tasks=[task], since_revision=since), timeout=60))
    assert first.full
    assert first.revision == present
    assert first.aliases


def test_a_revision_of_another_incarnation_gets_the_full_state(registry: Registry) -> None:
    stub = registry.stub()
    task = make_task(stub)
    known = set_alias(stub, task, "production", 1)
    here = next(stub.Watch(pb.WatchRequest(tasks=[task]), timeout=60)).incarnation
    for incarnation, full in ((here, False), ("", False), ("another", True)):
        request = pb.WatchRequest(tasks=[task], since_revision=known, since_incarnation=incarnation)
        assert next(stub.Watch(request, timeout=60)).full is full


def test_who_missed_too_much_gets_the_full_state(database: Database) -> None:
    versions, aliases = VersionStore(database), AliasStore(database)
    versions.add(NewVersion("spam", "sha256:0", "", "", (), (), Report()), before_commit=lambda: None)
    for name in ("a", "b", "c"):
        aliases.move(Move("spam", name, 1, "", ""))
    with database.reading() as session:
        assert [alias.name for alias in read_update(session, 1, max_replay=2).aliases] == ["b", "c"]
        assert not read_update(session, 1, max_replay=2).full
        assert read_update(session, 0, max_replay=2).full


def test_a_watch_resumes_after_the_registry_was_killed(own: Registry) -> None:
    stub = own.stub()
    task = make_task(stub)
    watch = stub.Watch(pb.WatchRequest(), timeout=60)
    assert next(watch).full
    known = set_alias(stub, task, "production", 1)
    assert next_change(watch).revision == known
    own.kill()
    with pytest.raises(grpc.RpcError):
        next_change(watch)
    own.start()
    stub = own.stub()
    watch = stub.Watch(pb.WatchRequest(since_revision=known), timeout=60)
    first = next(watch)
    assert (first.revision, first.full, list(first.aliases), list(first.removed)) == (known, False, [], [])
    set_alias(stub, task, "production", 2)
    assert next_change(watch).aliases[0].version == 2


def test_watches_end_at_once_when_the_registry_stops(own: Registry) -> None:
    own.settings["heartbeat_seconds"] = 60
    own.settings["drain_seconds"] = 60
    own.stop()
    own.start()
    watch = own.stub().Watch(pb.WatchRequest(), timeout=60)
    next(watch)
    channels, own.channels = own.channels, []
    started = time.monotonic()
    assert own.stop() == 0
    assert time.monotonic() - started < 30
    with pytest.raises(grpc.RpcError) as caught:
        next(watch)
    assert isinstance(from_rpc_error(caught.value), Unavailable)
    for channel in channels:
        channel.close()


def test_watchers_above_the_cap_are_sent_away_and_never_starve_other_calls(own: Registry) -> None:
    stub = own.stub()
    task = make_task(stub)
    watches = [stub.Watch(pb.WatchRequest(), timeout=60) for _ in range(3)]
    for watch in watches:
        next(watch)
    for _ in range(4):
        with pytest.raises(grpc.RpcError) as caught:
            next(stub.Watch(pb.WatchRequest(), timeout=60))
        error = from_rpc_error(caught.value)
        assert isinstance(error, Overloaded)
        assert error.retry_after > 0
    set_alias(stub, task, "production", 1)
    for watch in watches:
        assert next_change(watch).aliases
    watches.pop().cancel()
    deadline = time.monotonic() + 30
    while True:
        try:
            assert next(stub.Watch(pb.WatchRequest(), timeout=60)).full
            break
        except grpc.RpcError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
