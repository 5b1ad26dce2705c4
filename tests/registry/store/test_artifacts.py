from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from labelwright.core.bundle import digest_files
from labelwright.core.errors import CorruptArtifact, StorageFull
from labelwright.core.wire.status import from_rpc_error
from labelwright.registry.store.artifacts import FolderArtifacts
from labelwright.v1 import registry_service_pb2 as pb

from tests.parts.registry import Registry, push
from tests.registry.bundles import files, new_name

FILES = {"task.toml": b"some text", "programs/a.py": b"x = 1\n"}
DIGEST = digest_files(FILES)


def only_file(folder: Path) -> Path:
    (found,) = (path for path in folder.iterdir() if path.is_file())
    return found


def test_what_is_put_is_got(tmp_path: Path) -> None:
    artifacts = FolderArtifacts(tmp_path)
    artifacts.put(DIGEST, FILES)
    artifacts.put(DIGEST, dict(reversed(FILES.items())))
    assert artifacts.get(DIGEST) == FILES


@pytest.mark.parametrize("how", ["a flipped bit", "cut off", "emptied", "removed", "another's"])
def test_damage_is_found_and_putting_again_repairs_it(tmp_path: Path, how: str) -> None:
    artifacts = FolderArtifacts(tmp_path)
    artifacts.put(DIGEST, FILES)
    path = only_file(tmp_path)
    content = bytearray(path.read_bytes())
    match how:
        case "a flipped bit":
            content[-3] ^= 1
            path.write_bytes(content)
        case "cut off":
            path.write_bytes(content[:-1])
        case "emptied":
            path.write_bytes(b"")
        case "removed":
            path.unlink()
        case _:
            other = {"task.toml": b"other"}
            artifacts.put(digest_files(other), other)
            (tmp_path / f"{digest_files(other)[7:]}.bundle").rename(path)
    with pytest.raises(CorruptArtifact):
        artifacts.get(DIGEST)
    artifacts.put(DIGEST, FILES)
    assert artifacts.get(DIGEST) == FILES


def test_the_part_of_a_living_writer_is_left_alone_and_that_of_a_dead_one_removed(tmp_path: Path) -> None:
    FolderArtifacts(tmp_path)
    script = (
        "import sys; from pathlib import Path; from labelwright.registry.store.artifacts import FolderArtifacts\n"
        f"with FolderArtifacts(Path({str(tmp_path)!r}))._part(): print(flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        FolderArtifacts(tmp_path)
        assert only_file(tmp_path).suffix == ".part"
        writer.send_signal(signal.SIGKILL)
    FolderArtifacts(tmp_path)
    assert not [path for path in tmp_path.iterdir() if path.is_file()]


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(NotADirectoryError):
        FolderArtifacts(tmp_path / "file" / "artifacts")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB, where this user may mount one."""
    folder = tmp_path / "small"
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small file system here")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True)
    if mounted.returncode:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_keeps_nothing(small_disk: Path) -> None:
    artifacts = FolderArtifacts(small_disk)
    artifacts.put(DIGEST, FILES)
    large = {"sample.jsonl": os.urandom(2 << 20)}
    with pytest.raises(StorageFull):
        artifacts.put(digest_files(large), large)
    assert only_file(small_disk)
    assert artifacts.get(DIGEST) == FILES


def test_a_file_size_limit_counts_as_full(tmp_path: Path) -> None:
    """The same where no file system can be mounted: the system refuses to write on."""
    artifacts = FolderArtifacts(tmp_path)
    large = {"sample.jsonl": os.urandom(1 << 20)}
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, hard))
    try:
        with pytest.raises(StorageFull):
            artifacts.put(digest_files(large), large)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not [path for path in tmp_path.iterdir() if path.is_file()]


def test_a_push_to_a_full_disk_is_a_clear_error_and_works_when_there_is_room(small_disk: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/artifacts").symlink_to(small_disk)
    registry = Registry(tmp_path / "data").start()
    filler = small_disk / "filler"
    filler.write_bytes(bytes((1 << 20) - 32768))
    with filler.open("ab", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    name, stub = new_name(), registry.stub()
    with pytest.raises(grpc.RpcError) as caught:
        push(stub, files(name))
    error = from_rpc_error(caught.value)
    assert isinstance(error, StorageFull)
    assert "nothing was kept" in error.message
    assert not any(task.name == name for task in stub.ListTasks(pb.ListTasksRequest()).tasks)
    filler.unlink()
    assert push(stub, files(name)).version.number == 1
    registry.stop()


def test_a_corrupt_bundle_is_never_served_and_pushing_it_again_repairs_it(registry: Registry) -> None:
    name, stub = new_name(), registry.stub()
    digest = push(stub, files(name)).version.digest
    path = registry.data_dir / "artifacts" / f"{digest.removeprefix('sha256:')}.bundle"
    content = path.read_bytes()
    path.write_bytes(content.replace(b"prize", b"price"))
    with pytest.raises(grpc.RpcError) as caught:
        stub.DownloadBundle(pb.DownloadBundleRequest(task=name, version=1))
    assert caught.value.code() is grpc.StatusCode.DATA_LOSS
    assert from_rpc_error(caught.value).metadata["digest"] == digest
    with pytest.raises(grpc.RpcError):
        stub.SetAlias(pb.SetAliasRequest(task=name, alias="production", version=1))
    assert not push(stub, files(name)).created
    assert stub.DownloadBundle(pb.DownloadBundleRequest(task=name, version=1)).bundle.files
    assert path.read_bytes() == content
