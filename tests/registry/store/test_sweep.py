"""Orphans are swept into a bin, and only by the registry that the artifacts belong to."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

from labelwright.core.bundle import digest_files
from labelwright.core.report import Report
from labelwright.registry.store.artifacts import FolderArtifacts, sweep_orphans
from labelwright.registry.store.database import Database
from labelwright.registry.store.identity import read_identity
from labelwright.registry.store.versions import NewVersion, VersionStore
from labelwright.v1 import registry_service_pb2 as pb

from tests.parts.registry import Registry, push
from tests.registry.bundles import new_name, variant

DAY = 86_400


def bundles(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("*.bundle")}


def age(folder: Path, days: float) -> None:
    for path in folder.glob("*.bundle"):
        os.utime(path, (time.time() - days * DAY,) * 2)


def put(artifacts: FolderArtifacts, content: bytes) -> str:
    contents = {"task.toml": content}
    digest = digest_files(contents)
    artifacts.put(digest, contents)
    return digest


def add(database: Database, digest: str) -> None:
    VersionStore(database).add(NewVersion("spam", digest, "", "", (), (), Report()), before_commit=lambda: None)


def test_orphans_are_spared_until_their_time_go_to_the_bin_and_leave_it_later(
    database: Database, tmp_path: Path
) -> None:
    artifacts = FolderArtifacts(tmp_path)
    add(database, put(artifacts, b"a version"))
    orphan = put(artifacts, b"an orphan")
    assert sweep_orphans(database, artifacts, older_than=DAY, bin_seconds=DAY) == 0
    age(tmp_path, 2)
    assert sweep_orphans(database, artifacts, older_than=DAY, bin_seconds=DAY) == 1
    name = f"{orphan.removeprefix('sha256:')}.bundle"
    assert len(bundles(tmp_path)) == 1
    assert bundles(tmp_path / "bin") == {name}
    assert sweep_orphans(database, artifacts, older_than=DAY, bin_seconds=DAY) == 0
    assert bundles(tmp_path / "bin") == {name}
    age(tmp_path / "bin", 2)
    assert sweep_orphans(database, artifacts, older_than=DAY, bin_seconds=DAY) == 0
    assert bundles(tmp_path / "bin") == set()


def test_what_a_version_names_again_comes_back_from_the_bin(database: Database, tmp_path: Path) -> None:
    artifacts = FolderArtifacts(tmp_path)
    add(database, put(artifacts, b"a version"))
    orphan = put(artifacts, b"an orphan")
    age(tmp_path, 2)
    assert sweep_orphans(database, artifacts, older_than=DAY, bin_seconds=DAY) == 1
    add(database, orphan)
    assert sweep_orphans(database, artifacts, older_than=DAY, bin_seconds=0) == 0
    assert artifacts.get(orphan) == {"task.toml": b"an orphan"}


def test_an_empty_database_and_another_registry_s_sweep_nothing(database: Database, tmp_path: Path) -> None:
    artifacts = FolderArtifacts(tmp_path)
    first = put(artifacts, b"first")
    put(artifacts, b"second")
    age(tmp_path, 2)
    assert sweep_orphans(database, artifacts, older_than=0, bin_seconds=0) == 0
    assert artifacts.owner == ""
    artifacts.belong_to("another")
    add(database, first)
    assert sweep_orphans(database, artifacts, older_than=0, bin_seconds=0) == 0
    assert len(bundles(tmp_path)) == 2


def test_artifacts_of_an_earlier_release_become_those_of_the_database_beside_them(
    database: Database, tmp_path: Path
) -> None:
    artifacts = FolderArtifacts(tmp_path)
    add(database, put(artifacts, b"a version"))
    assert sweep_orphans(database, artifacts, older_than=DAY, bin_seconds=DAY) == 0
    with database.reading() as session:
        assert artifacts.owner == read_identity(session).registry


def test_a_copy_of_the_database_file_alone_costs_no_artifact(tmp_path: Path) -> None:
    """Of a running registry, what was written last is beside the file: the copy is an empty registry."""
    registry = Registry(tmp_path / "data").start()
    name, stub = new_name(), registry.stub()
    for number in range(3):
        push(stub, variant(name, number))
    shutil.copy(registry.data_dir / "registry.sqlite3", tmp_path / "copy")
    registry.kill()
    artifacts = registry.data_dir / "artifacts"
    before = bundles(artifacts)
    age(artifacts, 2)
    for path in registry.data_dir.glob("registry.sqlite3*"):
        path.rename(tmp_path / path.name)
    shutil.copy(tmp_path / "copy", registry.data_dir / "registry.sqlite3")
    registry.start()
    assert not registry.stub().ListTasks(pb.ListTasksRequest()).tasks
    (event,) = registry.events("nothing is swept: the artifacts are another registry's")
    push(registry.stub(), variant(new_name(), 1))
    registry.stop()
    age(artifacts, 2)
    registry.start()
    assert bundles(artifacts) > before
    registry.stop()
    assert event["level"] == "error"
