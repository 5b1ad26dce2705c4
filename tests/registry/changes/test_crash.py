from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from labelwright.core.report import Report
from labelwright.registry.acceptance.check_processes import CheckProcesses
from labelwright.registry.changes.comparison import ProductionComparison
from labelwright.registry.changes.policy import Policies
from labelwright.registry.changes.push import Pusher
from labelwright.registry.changes.turns import Turns
from labelwright.registry.metrics import RegistryMetrics
from labelwright.registry.settings import RegistrySettings
from labelwright.registry.store.artifacts import FolderArtifacts, sweep_orphans
from labelwright.registry.store.database import Database
from labelwright.registry.store.migration import migrate
from labelwright.registry.store.versions import NewVersion, VersionStore
from labelwright.v1 import registry_service_pb2 as pb
from sqlalchemy import event

from tests.parts.registry import Registry, push
from tests.registry.bundles import files, new_name, variant

NAME = "crash-task"


def die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def push_and_die(point: str, url: str, folder: Path) -> None:
    """Push, in a process of its own, and be killed at ``point``."""
    database = Database(url)
    artifacts = FolderArtifacts(folder)
    if point == "while the content is written":
        os.fsync = die  # type: ignore[assignment]
    elif point == "before the row":
        artifacts.put = _and_then_die(artifacts.put)  # type: ignore[method-assign]
    elif point == "before the commit":
        event.listen(database.engine, "commit", die)
    versions = VersionStore(database)
    with closing(CheckProcesses(1, 60.0)) as checks:
        comparison = ProductionComparison(versions, artifacts, checks, Policies())
        turns = Turns(max_running=1, max_waiting=0)
        Pusher(checks, artifacts, versions, comparison, RegistryMetrics(), turns, RegistrySettings().caps).push(
            list(files(NAME).items()), "", ""
        )
    if point == "after the commit":
        die()


def _and_then_die(put: Callable[..., None]) -> Callable[..., None]:
    def put_and_die(*arguments: object) -> None:
        put(*arguments)
        die()

    return put_and_die


@pytest.mark.parametrize(
    ("point", "kept"),
    [
        ("while the content is written", 0),
        ("before the row", 0),
        ("before the commit", 0),
        ("after the commit", 1),
    ],
)
def test_a_killed_push_leaves_nothing_half_done(point: str, kept: int, database_url: str, tmp_path: Path) -> None:
    folder = tmp_path / "artifacts"
    database = Database(database_url)
    migrate(database)
    process = multiprocessing.get_context("spawn").Process(target=push_and_die, args=(point, database_url, folder))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    versions = VersionStore(database)
    assert versions.count() == kept
    # Of an empty database nothing is swept.
    versions.add(NewVersion("other", "sha256:0", "", "", (), (), Report()), before_commit=lambda: None)
    artifacts = FolderArtifacts(folder)
    assert not list(folder.glob("*.part"))
    sweep_orphans(database, artifacts, 0.0, 0.0)
    assert len(list(folder.glob("*.bundle"))) == kept
    database.close()


def test_a_killed_registry_loses_nothing_that_it_had_confirmed(database_url: str, tmp_path: Path) -> None:
    registry = Registry(tmp_path / "data", database_url=database_url).start()
    name, stub = new_name(), registry.stub()
    digests = [push(stub, variant(name, number)).version.digest for number in range(3)]
    stub.SetAlias(pb.SetAliasRequest(task=name, alias="candidate", version=2))
    registry.kill()
    registry.start()
    stub = registry.stub()
    listed = stub.ListVersions(pb.ListVersionsRequest(task=name)).versions
    assert [version.digest for version in listed] == digests[::-1]
    assert stub.DownloadBundle(pb.DownloadBundleRequest(task=name, alias="candidate")).version.number == 2
    assert registry.stop() == 0
