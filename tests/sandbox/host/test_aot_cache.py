import os
import subprocess
import sys

import pytest
from labelwright.core.errors import SandboxUnavailable
from labelwright.sandbox.host.aot_cache import CompiledCache
from labelwright.sandbox.host.engine import make_engine
from wasmtime import wat2wasm


def component(filling):
    """A component with one module, large enough to be kept."""
    module = f'(core module (memory 1) (data (i32.const 0) "{filling * 20_000}"))'
    return wat2wasm(f"(component {module} (core instance (instantiate 0)))")


@pytest.fixture
def runtime(tmp_path):
    path = tmp_path / "runtime.wasm"
    path.write_bytes(component("x"))
    return path


@pytest.fixture
def engine():
    return make_engine()


def compiled(root):
    (path,) = (root / "compiled").glob("*.cwasm")
    return path


def test_it_compiles_once_and_keeps_the_result_to_its_owner(tmp_path, runtime, engine):
    root = tmp_path / "cache"
    CompiledCache(root, runtime).runtime(engine)
    status = compiled(root).stat()
    assert status.st_mode & 0o077 == 0
    assert (root / "compiled").stat().st_mode & 0o077 == 0
    CompiledCache(root, runtime).runtime(engine)
    assert compiled(root).stat().st_mtime_ns == status.st_mtime_ns


@pytest.mark.parametrize("damage", ["truncated", "changed", "no digest", "wrong digest"])
def test_a_damaged_file_is_made_again(tmp_path, runtime, engine, damage):
    root = tmp_path / "cache"
    CompiledCache(root, runtime).runtime(engine)
    path = compiled(root)
    good = path.read_bytes()
    match damage:
        case "truncated":
            path.write_bytes(good[: len(good) // 2])
        case "changed":
            path.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
        case "no digest":
            path.with_suffix(".sha256").unlink()
        case "wrong digest":
            path.with_suffix(".sha256").write_text("0" * 64)
    CompiledCache(root, runtime).runtime(engine)
    assert len(path.read_bytes()) == len(good)
    assert len(path.with_suffix(".sha256").read_text()) == 64


def test_another_module_has_a_file_of_its_own(tmp_path, runtime, engine):
    root = tmp_path / "cache"
    CompiledCache(root, runtime).runtime(engine)
    runtime.write_bytes(component("y"))
    CompiledCache(root, runtime).runtime(engine)
    assert len(list((root / "compiled").glob("*.cwasm"))) == 2


@pytest.mark.parametrize("mode", [0o777, 0o770])
def test_a_folder_that_others_can_write_to_is_refused(tmp_path, runtime, engine, mode):
    root = tmp_path / "cache"
    (root / "compiled").mkdir(parents=True)
    (root / "compiled").chmod(mode)
    with pytest.raises(SandboxUnavailable, match="can be written to by others") as refused:
        CompiledCache(root, runtime).runtime(engine)
    assert "chmod 700" in refused.value.advice


def test_a_folder_below_one_that_everyone_can_write_to_is_refused(tmp_path, runtime, engine):
    root = tmp_path / "open"
    root.mkdir()
    root.chmod(0o777)
    with pytest.raises(SandboxUnavailable, match="by everyone"):
        CompiledCache(root, runtime).runtime(engine)


def test_a_link_in_the_folders_place_is_refused(tmp_path, runtime, engine):
    root, elsewhere = tmp_path / "cache", tmp_path / "elsewhere"
    root.mkdir()
    elsewhere.mkdir()
    (root / "compiled").symlink_to(elsewhere)
    with pytest.raises(SandboxUnavailable, match="link"):
        CompiledCache(root, runtime).runtime(engine)


def test_a_link_in_the_files_place_is_refused(tmp_path, runtime, engine):
    root = tmp_path / "cache"
    CompiledCache(root, runtime).runtime(engine)
    path = compiled(root)
    path.rename(tmp_path / "moved.cwasm")
    path.symlink_to(tmp_path / "moved.cwasm")
    with pytest.raises(SandboxUnavailable, match="plain file"):
        CompiledCache(root, runtime).runtime(engine)


def test_a_file_of_another_user_is_refused(tmp_path, runtime, engine):
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    root = tmp_path / "cache"
    CompiledCache(root, runtime).runtime(engine)
    os.chown(compiled(root), 65534, 65534)
    with pytest.raises(SandboxUnavailable, match="another user"):
        CompiledCache(root, runtime).runtime(engine)


def test_without_a_usable_folder_it_compiles_each_time(tmp_path, runtime, engine):
    (tmp_path / "file").write_text("")
    assert CompiledCache(tmp_path / "file", runtime).runtime(engine)


def test_a_missing_or_broken_runtime_is_said_plainly(tmp_path, engine):
    with pytest.raises(SandboxUnavailable, match="cannot be read"):
        CompiledCache(tmp_path / "cache", tmp_path / "none.wasm").runtime(engine)
    broken = tmp_path / "broken.wasm"
    broken.write_bytes(b"\0asm nonsense")
    with pytest.raises(SandboxUnavailable, match="cannot be compiled"):
        CompiledCache(tmp_path / "cache", broken).runtime(engine)


SCRIPT = """
import sys
from pathlib import Path
from labelwright.sandbox.host.aot_cache import CompiledCache
from labelwright.sandbox.host.engine import make_engine
CompiledCache(Path(sys.argv[1]), Path(sys.argv[2])).runtime(make_engine())
"""


def test_processes_that_start_together_all_get_it(tmp_path, runtime):
    arguments = [sys.executable, "-c", SCRIPT, str(tmp_path / "cache"), str(runtime)]
    started = [subprocess.Popen(arguments) for _ in range(4)]
    assert [process.wait(60) for process in started] == [0] * 4
    assert not list((tmp_path / "cache" / "compiled").glob(".new-*"))


def test_the_cache_folder_can_be_set_by_environment(tmp_path, runtime, engine, monkeypatch):
    monkeypatch.setenv("LABELWRIGHT_CACHE_DIR", str(tmp_path / "chosen"))
    CompiledCache(runtime=runtime).runtime(engine)
    assert compiled(tmp_path / "chosen")
