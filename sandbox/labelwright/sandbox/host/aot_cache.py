"""The runtime's modules, compiled ahead of time for this machine, kept in a folder that only its owner can write to.

A compiled file is native code that is run as it is: whoever can write it owns the process. So it is only ever made
here and never taken from anyone, its folder must be this user's alone, and its digest is checked before it is used.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
from collections.abc import Iterator
from pathlib import Path

from labelwright.core.errors import SandboxUnavailable
from labelwright.core.machine.whole_file import write_whole
from labelwright.sandbox.build import RUNTIME
from labelwright.sandbox.host.component import take_apart
from labelwright.sandbox.host.engine import identity
from labelwright.sandbox.host.runtime import Runtime
from labelwright.sandbox.host.trusted_folder import check_trusted_file, open_trusted_folder
from platformdirs import user_cache_path
from wasmtime import Engine, Module, WasmtimeError

CACHE_VARIABLE = "LABELWRIGHT_CACHE_DIR"
_SUBFOLDER = "compiled"
_WORTH_KEEPING = 16 << 10
"""Bytes of a module that takes longer to compile than a file takes to check."""
_log = logging.getLogger(__name__)


class CompiledCache:
    """Compiled modules on disk, by ``engine.identity``.

    CPython's own code is a module apart from what the guest is made of, so a change of the guest compiles little.
    """

    def __init__(self, root: Path | None = None, runtime: Path = RUNTIME) -> None:
        """``root`` is the cache folder: by default LABELWRIGHT_CACHE_DIR, else the user's cache folder."""
        self._root = root or _default_root()
        self._runtime = runtime

    def runtime(self, engine: Engine) -> Runtime:
        """Return the runtime, compiled now where it has not been before. Raises SandboxUnavailable."""
        wasm = self._read_runtime()
        folder: Path | None = None
        try:
            folder = open_trusted_folder(self._root / _SUBFOLDER)
        except OSError as error:
            _log.warning("the runtime is compiled at each start: no cache in %s: %s", self._root, error.strerror)
        try:
            parts = take_apart(wasm)
            return Runtime(parts, [self._module(engine, module, folder) for module in parts.modules])
        except (ValueError, WasmtimeError) as error:
            raise SandboxUnavailable(
                f"the runtime component cannot be compiled: {str(error).splitlines()[0]}",
                advice="install Labelwright again",
            ) from None

    def _module(self, engine: Engine, wasm: bytes, folder: Path | None) -> Module:
        if folder is None or len(wasm) < _WORTH_KEEPING:
            return Module(engine, wasm)
        path = folder / f"{identity(wasm)}.cwasm"
        return _cached(engine, path) or _compile_into(engine, wasm, path)

    def _read_runtime(self) -> bytes:
        try:
            return self._runtime.read_bytes()
        except OSError as error:
            raise SandboxUnavailable(
                f"the runtime component cannot be read: {self._runtime}: {error.strerror}",
                advice="install Labelwright again; in a checkout run: python sandbox/labelwright/sandbox/build.py",
            ) from None


def _default_root() -> Path:
    folder = os.environ.get(CACHE_VARIABLE)
    return Path(folder) if folder else user_cache_path("labelwright")


def _compile_into(engine: Engine, wasm: bytes, path: Path) -> Module:
    with _locked(path.with_suffix(".lock")):
        # Another process may have done it while this one waited.
        if module := _cached(engine, path):
            return module
        module = Module(engine, wasm)
        try:
            _store(path, bytes(module.serialize()))
        except OSError as error:
            _log.warning("the compiled runtime was not kept: %s: %s", path, error.strerror)
            return module
    # Mapped from the file, the code shares its memory with other processes; as it was compiled, it does not.
    return _cached(engine, path) or module


def _cached(engine: Engine, path: Path) -> Module | None:
    try:
        check_trusted_file(path)
        check_trusted_file(_digest_path(path))
        if _digest(path) != _digest_path(path).read_text(encoding="ascii", errors="replace"):
            _log.warning("the compiled runtime is damaged and is made again: %s", path)
            return None
        return Module.deserialize_file(engine, str(path))
    except (OSError, WasmtimeError):
        return None


def _store(path: Path, compiled: bytes) -> None:
    write_whole(path, compiled)
    write_whole(_digest_path(path), hashlib.sha256(compiled).hexdigest().encode())


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digest_path(path: Path) -> Path:
    return path.with_suffix(".sha256")


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Let one process compile at a time. Where there are no such locks several compile, which is only slower."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    try:
        handle = os.open(path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError:
        yield
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
