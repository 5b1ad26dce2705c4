"""The runtime, compiled ahead of time for this machine, kept in a folder that only its owner can write to.

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
from labelwright.sandbox.host.engine import identity
from labelwright.sandbox.host.trusted_folder import check_trusted_file, open_trusted_folder
from platformdirs import user_cache_path
from wasmtime import Engine, WasmtimeError
from wasmtime.component import Component

CACHE_VARIABLE = "LABELWRIGHT_CACHE_DIR"
_SUBFOLDER = "compiled"
_log = logging.getLogger(__name__)


class CompiledCache:
    """Compiled components on disk, by ``engine.identity``."""

    def __init__(self, root: Path | None = None, runtime: Path = RUNTIME) -> None:
        """``root`` is the cache folder: by default LABELWRIGHT_CACHE_DIR, else the user's cache folder."""
        self._root = root or _default_root()
        self._runtime = runtime

    def component(self, engine: Engine) -> Component:
        """Return the runtime, compiled now if it has not been before. Raises SandboxUnavailable."""
        wasm = self._read_runtime()
        try:
            folder = open_trusted_folder(self._root / _SUBFOLDER)
        except OSError as error:
            _log.warning("the runtime is compiled at each start: no cache in %s: %s", self._root, error.strerror)
            return _compile(engine, wasm)
        path = folder / f"{identity(wasm)}.cwasm"
        return _cached(engine, path) or self._compile_into(engine, wasm, path)

    def _read_runtime(self) -> bytes:
        try:
            return self._runtime.read_bytes()
        except OSError as error:
            raise SandboxUnavailable(
                f"the runtime component cannot be read: {self._runtime}: {error.strerror}",
                advice="install Labelwright again; in a checkout run: python sandbox/labelwright/sandbox/build.py",
            ) from None

    def _compile_into(self, engine: Engine, wasm: bytes, path: Path) -> Component:
        with _locked(path.with_suffix(".lock")):
            # Another process may have done it while this one waited.
            if component := _cached(engine, path):
                return component
            component = _compile(engine, wasm)
            try:
                _store(path, bytes(component.serialize()))
            except OSError as error:
                _log.warning("the compiled runtime was not kept: %s: %s", path, error.strerror)
                return component
        # Mapped from the file, the code shares its memory with other processes; as it was compiled, it does not.
        return _cached(engine, path) or component


def _default_root() -> Path:
    folder = os.environ.get(CACHE_VARIABLE)
    return Path(folder) if folder else user_cache_path("labelwright")


def _compile(engine: Engine, wasm: bytes) -> Component:
    try:
        return Component(engine, wasm)
    except WasmtimeError as error:
        raise SandboxUnavailable(
            f"the runtime component cannot be compiled: {str(error).splitlines()[0]}",
            advice="install Labelwright again",
        ) from None


def _cached(engine: Engine, path: Path) -> Component | None:
    try:
        check_trusted_file(path)
        check_trusted_file(_digest_path(path))
        if _digest(path) != _digest_path(path).read_text(encoding="ascii", errors="replace"):
            _log.warning("the compiled runtime is damaged and is made again: %s", path)
            return None
        return Component.deserialize_file(engine, str(path))
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
