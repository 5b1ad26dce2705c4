from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from labelwright.core.bundle import digest_files
from labelwright.core.errors import ConfigurationError, CorruptArtifact
from labelwright.core.report import Report
from labelwright.core.run import RunCost, Trigger
from labelwright.registry.backup.backing_up import back_up
from labelwright.registry.backup.restoring import restore
from labelwright.registry.backup.rows import entry_of, lines_of, tables_with_rows
from labelwright.registry.changes.feed import Feed
from labelwright.registry.runs.files import RunFileStore
from labelwright.registry.runs.rows import NewRun
from labelwright.registry.runs.runs import RunStore
from labelwright.registry.store.aliases import AliasStore, Move
from labelwright.registry.store.artifacts import FolderArtifacts
from labelwright.registry.store.database import Database
from labelwright.registry.store.identity import read_identity
from labelwright.registry.store.migration import migrate, upgrade
from labelwright.registry.store.versions import NewVersion, VersionStore
from labelwright.v1 import registry_service_pb2 as pb

from tests.parts.command import Command
from tests.parts.registry import Registry, push
from tests.registry.bundles import new_name, variant
from tests.registry.databases import DATABASES, new_url

TASK = "spam"


@pytest.fixture(params=DATABASES)
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database to restore into."""
    folder = tmp_path / "target"
    folder.mkdir()
    with closing(Database(new_url(request.param, folder, request))) as resource:
        yield resource


@pytest.fixture
def artifacts(tmp_path: Path) -> FolderArtifacts:
    return FolderArtifacts(tmp_path / "artifacts")


@pytest.fixture
def others(tmp_path: Path) -> FolderArtifacts:
    """Empty artifacts to restore into."""
    return FolderArtifacts(tmp_path / "target" / "artifacts")


def add_version(database: Database, artifacts: FolderArtifacts, content: bytes, task: str = TASK) -> str:
    contents = {"task.toml": content}
    digest = digest_files(contents)
    artifacts.put(digest, contents)
    new = NewVersion(task, digest, "ada", "why\nnot: ü 🎉", ("a", "b"), ("ham", "spam"), Report())
    VersionStore(database).add(new, before_commit=lambda: None)
    return digest


def fill(database: Database, artifacts: FolderArtifacts) -> None:
    """Put something into every table."""
    for number in range(3):
        add_version(database, artifacts, str(number).encode())
    for number in (1, 2):
        AliasStore(database).move(Move(TASK, "production", number, "ada", "because"))
    runs = RunStore(database)
    run, _ = runs.start(NewRun(TASK, Trigger.MANUAL, "key", "why", "ada"))
    claimed = runs.claim("worker", 60, awaiting_approval=False)
    assert claimed is not None
    RunFileStore(database).put(run.id, claimed[1], "sample", bytes(range(256)), RunCost(1, 2, 3, 0.1))


def rows(database: Database) -> dict[str, list[bytes]]:
    with database.reading() as session:
        connection = session.connection()
        return {entry_of(table): list(lines_of(connection, table)) for table in tables_with_rows(connection)}


def test_what_is_backed_up_is_restored_on_every_database(
    database: Database, artifacts: FolderArtifacts, target: Database, others: FolderArtifacts, tmp_path: Path
) -> None:
    fill(database, artifacts)
    back_up(database, artifacts, tmp_path / "backup")
    restore(target, others, tmp_path / "backup")
    before, after = rows(database), rows(target)
    assert all(before.values())
    (old,), (new,) = before.pop("rows/identity.jsonl"), after.pop("rows/identity.jsonl")
    assert after == before
    assert old != new
    with database.reading() as one, target.reading() as other:
        assert read_identity(one).registry == read_identity(other).registry == others.owner
    for version in VersionStore(target).page(TASK, 10, None):
        assert others.get(version.digest) == artifacts.get(version.digest)
    with target.writing() as session:
        session.execute(sa.text("UPDATE runs SET open_task = NULL"))
    assert RunStore(target).start(NewRun(TASK, Trigger.MANUAL, "other", "", ""))[0].id == 2


def test_a_backup_of_an_earlier_release_s_database_is_restored_and_brought_up_to_date(
    database_url: str, artifacts: FolderArtifacts, others: FolderArtifacts, tmp_path: Path
) -> None:
    with closing(Database(database_url)) as earlier, closing(Database(f"sqlite:///{tmp_path}/target/db")) as target:
        with earlier.connection() as connection:
            upgrade(connection, "0002")
            connection.execute(sa.text("INSERT INTO tasks VALUES ('spam', '2026-01-02 03:04:05')"))
        assert back_up(earlier, artifacts, tmp_path / "backup").registry == ""
        with earlier.connection() as connection:
            assert not sa.inspect(connection).has_table("identity")
        restore(target, others, tmp_path / "backup")
        with target.reading() as session:
            assert len(read_identity(session).registry) == 36
            assert session.scalar(sa.text("SELECT name FROM tasks")) == TASK


def test_a_registry_that_has_tasks_is_replaced_only_where_that_is_said(
    database: Database, artifacts: FolderArtifacts, target: Database, others: FolderArtifacts, tmp_path: Path
) -> None:
    fill(database, artifacts)
    back_up(database, artifacts, tmp_path / "backup")
    migrate(target)
    add_version(target, others, b"another's", "other")
    before = rows(target)
    with target.connection() as connection:
        connection.execute(sa.text("CREATE TABLE somebody_else_s (name TEXT)"))
    with pytest.raises(ConfigurationError, match="not empty"):
        restore(target, others, tmp_path / "backup")
    assert rows(target) == before
    restore(target, others, tmp_path / "backup", overwrite=True)
    with target.connection() as connection:
        assert sa.inspect(connection).has_table("somebody_else_s")
    assert [version.task for version in VersionStore(target).latest()] == [TASK]
    with pytest.raises(ConfigurationError, match="already"):
        back_up(database, artifacts, tmp_path / "backup")


def test_a_newer_release_s_database_is_neither_backed_up_nor_replaced(
    artifacts: FolderArtifacts, tmp_path: Path
) -> None:
    with closing(Database(f"sqlite:///{tmp_path}/db")) as database:
        migrate(database)
        fill(database, artifacts)
        back_up(database, artifacts, tmp_path / "backup")
        with database.connection() as connection:
            connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
        with pytest.raises(ConfigurationError, match="newer release"):
            back_up(database, artifacts, tmp_path / "other")
        with pytest.raises(ConfigurationError, match="newer release"):
            restore(database, artifacts, tmp_path / "backup", overwrite=True)


def test_artifacts_of_another_registry_are_not_taken_over_unasked(
    database: Database, artifacts: FolderArtifacts, others: FolderArtifacts, tmp_path: Path
) -> None:
    fill(database, artifacts)
    back_up(database, artifacts, tmp_path / "backup")
    others.put(digest_files({"x": b""}), {"x": b""})
    others.belong_to("another")
    with closing(Database(f"sqlite:///{tmp_path}/target/db")) as empty:
        with pytest.raises(ConfigurationError, match="not empty"):
            restore(empty, others, tmp_path / "backup")
        assert others.owner == "another"


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def flip(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        place = archive.getinfo("rows/versions.jsonl").header_offset + 90
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


def rewritten(name: str, change: Callable[[bytes], bytes | None]) -> Callable[[Path], None]:
    """Return what changes or leaves out one entry, by name or the beginning of it, of an otherwise right zip file."""

    def rewrite(path: Path) -> None:
        with zipfile.ZipFile(path) as archive:
            contents = {entry: archive.read(entry) for entry in archive.namelist()}
        entry = next(entry for entry in contents if entry.startswith(name))
        with zipfile.ZipFile(path, "w") as archive:
            for other, content in contents.items():
                changed = change(content) if other == entry else content
                if changed is not None:
                    archive.writestr(other, changed)

    return rewrite


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (cut, ConfigurationError),
        (lambda path: path.write_bytes(b""), ConfigurationError),
        (lambda path: path.write_text("something else"), ConfigurationError),
        (Path.unlink, ConfigurationError),
        (flip, CorruptArtifact),
        (rewritten("manifest", lambda _: None), ConfigurationError),
        (rewritten("manifest", lambda _: b"[]"), ConfigurationError),
        (rewritten("manifest", lambda text: text.replace(b"backup 1", b"backup 2")), ConfigurationError),
        (rewritten("manifest", lambda text: text.replace(b'"0003"', b'"9999"')), ConfigurationError),
        (rewritten("manifest", lambda text: text.replace(b'"0003"', b'"base"')), ConfigurationError),
        (rewritten("manifest", lambda text: text.replace(b'"0003"', b'"0002"')), CorruptArtifact),
        (rewritten("manifest", lambda text: text.replace(b"rows/runs", b"rows/ruins")), CorruptArtifact),
        (rewritten("rows/versions", lambda text: text.replace(b"ada", b"bob")), CorruptArtifact),
        (rewritten("rows/versions", lambda _: None), CorruptArtifact),
        (rewritten("artifacts/", lambda content: content + b"x"), CorruptArtifact),
        (rewritten("artifacts/", lambda _: None), CorruptArtifact),
    ],
)
def test_a_damaged_backup_is_refused_whole(
    damage: Callable[[Path], object], expected: type[Exception], artifacts: FolderArtifacts, tmp_path: Path
) -> None:
    path = tmp_path / "backup"
    with (
        closing(Database(f"sqlite:///{tmp_path}/db")) as database,
        closing(Database(f"sqlite:///{tmp_path}/other")) as target,
    ):
        migrate(database)
        migrate(target)
        fill(database, artifacts)
        back_up(database, artifacts, path)
        before = rows(target)
        damage(path)
        with pytest.raises(expected):
            restore(target, FolderArtifacts(tmp_path / "others"), path)
        assert rows(target) == before


def die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def back_up_and_die(url: str, folder: Path, path: Path) -> None:
    FolderArtifacts.get = die  # type: ignore[assignment, method-assign]
    back_up(Database(url), FolderArtifacts(folder), path)


def test_a_backup_that_was_not_finished_is_not_there(artifacts: FolderArtifacts, tmp_path: Path) -> None:
    url, path = f"sqlite:///{tmp_path}/db", tmp_path / "backups" / "backup"
    path.parent.mkdir()
    with closing(Database(url)) as database:
        migrate(database)
        digest = add_version(database, artifacts, b"content")
        arguments = (url, tmp_path / "artifacts", path)
        process = multiprocessing.get_context("spawn").Process(target=back_up_and_die, args=arguments)
        process.start()
        process.join()
        assert process.exitcode == -signal.SIGKILL
        assert not path.exists()
        (part,) = path.parent.iterdir()
        with pytest.raises(ConfigurationError):
            restore(database, artifacts, part, overwrite=True)
        part.unlink()
        (tmp_path / "artifacts" / f"{digest.removeprefix('sha256:')}.bundle").write_bytes(b"damaged")
        with pytest.raises(CorruptArtifact):
            back_up(database, artifacts, path)
        assert not list(path.parent.iterdir())


def test_watchers_of_a_running_registry_are_sent_the_restored_state(
    database: Database, artifacts: FolderArtifacts, tmp_path: Path
) -> None:
    fill(database, artifacts)
    back_up(database, artifacts, tmp_path / "backup")
    feed = Feed(database, poll_seconds=0.02, heartbeat_seconds=60, max_watchers=1, on_reachable=lambda _: None)
    feed.start()
    try:
        watch = feed.watch(0, "", frozenset(), lambda: True)
        first = next(watch)
        AliasStore(database).move(Move(TASK, "production", 3, "", ""))
        assert [alias.version for alias in next(watch).aliases] == [3]
        restore(database, artifacts, tmp_path / "backup", overwrite=True)
        update = next(watch)
        assert (update.full, update.revision, update.aliases) == (True, first.revision, first.aliases)
        assert update.identity.registry == first.identity.registry
        assert update.identity.incarnation != first.identity.incarnation
        AliasStore(database).move(Move(TASK, "production", 1, "", ""))
        assert [alias.version for alias in next(watch).aliases] == [1]
    finally:
        feed.close()


class Changes(threading.Thread):
    """Pushes and promotes until it is stopped, and keeps what was acknowledged."""

    def __init__(self, registry: Registry, task: str) -> None:
        super().__init__(daemon=True)
        self._stub = registry.stub()
        self._task = task
        self._done = threading.Event()
        self.pushed: list[str] = []
        self.promoted: list[int] = []

    def run(self) -> None:
        for number in itertools.count():
            version = push(self._stub, variant(self._task, number)).version
            self.pushed.append(version.digest)
            request = pb.SetAliasRequest(task=self._task, alias="candidate", version=version.number)
            self.promoted.append(self._stub.SetAlias(request).alias.revision)
            if self._done.is_set():
                return

    def finish(self) -> None:
        self._done.set()
        self.join()


def test_a_backup_under_load_holds_all_that_was_acknowledged_before_it(database_url: str, tmp_path: Path) -> None:
    registry = Registry(tmp_path / "data", database_url=database_url).start()
    command = Command("", "", LABELWRIGHT_REGISTRY_DATABASE_URL=database_url)
    load = [Changes(registry, new_name()) for _ in range(2)]
    for changes in load:
        changes.start()
    acknowledged = []
    for number in range(3):
        for changes in load:
            wanted = len(changes.promoted) + 1
            while len(changes.promoted) < wanted:
                assert changes.is_alive()
                changes.join(0.02)
        acknowledged.append([(list(changes.pushed), list(changes.promoted)) for changes in load])
        command("backup", tmp_path / f"backup-{number}", "--data", registry.data_dir)
    for changes in load:
        changes.finish()
    registry.stop()
    for number, before in enumerate(acknowledged):
        restored = Registry(tmp_path / f"restored-{number}")
        Command("", "")("restore", tmp_path / f"backup-{number}", "--data", restored.data_dir)
        stub = restored.start().stub()
        for changes, (pushed, promoted) in zip(load, before, strict=True):
            task = changes._task
            found = [item.digest for item in stub.ListVersions(pb.ListVersionsRequest(task=task)).versions[::-1]]
            assert found[: len(pushed)] == pushed
            history = stub.ListAliasHistory(pb.ListAliasHistoryRequest(task=task)).changes
            assert {change.revision for change in history} >= set(promoted)
            for item in range(1, len(found) + 1):
                assert stub.DownloadBundle(pb.DownloadBundleRequest(task=task, version=item)).bundle.files
        assert restored.stop() == 0


def test_the_command_says_what_was_backed_up_and_what_is_wrong(tmp_path: Path, offline: Command) -> None:
    missing = offline("backup", tmp_path / "backup", "--data", tmp_path / "nowhere", exits=2)
    assert "there is no registry in" in missing.output
    assert not (tmp_path / "nowhere").exists()
    with closing(Database(f"sqlite:///{tmp_path}/registry.sqlite3")) as database:
        migrate(database)
        fill(database, FolderArtifacts(tmp_path / "artifacts"))
    told = offline.json("backup", tmp_path / "backup", "--data", tmp_path)["backup"]
    assert (told["rows"]["versions"], told["rows"]["alias_changes"], told["artifacts"]) == (3, 2, 3)
    assert "not empty" in offline("restore", tmp_path / "backup", "--data", tmp_path, exits=2).output
    again = offline("restore", tmp_path / "backup", "--data", tmp_path / "new")
    assert "1 tasks, 3 versions, 3 artifacts" in again.output
    assert offline("restore", tmp_path / "nothing", "--data", tmp_path / "new", exits=2)
