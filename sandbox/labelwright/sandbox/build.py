"""Builds components out of CPython and the guest. Needs componentize-py; takes about ten seconds.

Imports nothing of Labelwright, so that the build hook can run it before Labelwright is installed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).parent
GUEST = HERE / "guest"
RUNTIME = HERE / "runtime" / "labelwright-runtime.wasm"
_WIT = "labeling.wit"
_WORLD = "executable"
_TIMEOUT_SECONDS = 300
_APP = """\
from labelwright_guest.labeling import Labeling, bake, settle
{bake}
settle()
"""
_COMMAND = "import sys, componentize_py; sys.argv[0] = 'componentize-py'; componentize_py.script()"
_HASH_SEED_FILE = "labelwright_hash_seed.cpython-314-wasm32-wasi.so"
"""componentize-py links whatever ends like this; ``guest.labeling.settle`` fails where it was not linked."""
_HASH_SEED = (b"PYTHONHASHSEED\0", b"0\0")


class BuildFailed(Exception):
    """componentize-py could not build the component; the message is its own."""


def build_runtime() -> bool:
    """Build the runtime component unless it is up to date. Return whether it was built. Raises BuildFailed."""
    stamp = RUNTIME.with_suffix(".inputs")
    inputs = digest_inputs()
    if RUNTIME.exists() and stamp.exists() and stamp.read_text() == inputs:
        return False
    build_component(RUNTIME)
    stamp.write_text(inputs)
    return True


def digest_inputs() -> str:
    """Return the SHA-256 of all that the runtime is made of: guest, contract, build, componentize-py's version."""
    sha = hashlib.sha256(version("componentize-py").encode())
    for path in sorted([Path(__file__), *GUEST.glob("*.py"), GUEST / _WIT]):
        content = path.read_bytes()
        sha.update(f"\n{path.name} {len(content)}\n".encode())
        sha.update(content)
    return sha.hexdigest()


def build_component(target: Path, baked: str | None = None) -> None:
    """Write the component to ``target``, atomically; ``baked`` is the argument of ``load`` to bake in, as JSON text.

    Raises BuildFailed.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="labelwright-build-") as folder:
        work = Path(folder)
        shutil.copytree(GUEST, work / "labelwright_guest", ignore=shutil.ignore_patterns("__pycache__"))
        (work / _HASH_SEED_FILE).write_bytes(_hash_seed_library())
        (work / "app.py").write_text(_APP.format(bake="" if baked is None else f"bake({baked!r})"), encoding="utf-8")
        _componentize(work)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=".building-")
        os.close(handle)
        shutil.copyfile(work / "out.wasm", name)
        Path(name).chmod(0o644)
        Path(name).replace(target)


def _componentize(work: Path) -> None:
    # VIRTUAL_ENV would make componentize-py offer the whole environment to the guest.
    environment = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PIPENV_ACTIVE")}
    arguments = ["-q", "-d", f"labelwright_guest/{_WIT}", "-w", _WORLD]
    try:
        process = subprocess.run(  # noqa: S603
            [
                sys.executable,
                "-c",
                _COMMAND,
                *arguments,
                "componentize",
                "--stub-wasi",
                "-p",
                ".",
                "app",
                "-o",
                "out.wasm",
            ],
            cwd=work,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=_TIMEOUT_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise BuildFailed(f"componentize-py did not finish within {_TIMEOUT_SECONDS} s") from None
    if process.returncode or not (work / "out.wasm").exists():
        raise BuildFailed(f"componentize-py failed:\n{process.stdout}{process.stderr}".rstrip())


def _hash_seed_library() -> bytes:
    """Return a WebAssembly library whose constructor calls ``setenv("PYTHONHASHSEED", "0", 1)``.

    Constructors run before CPython starts, and componentize-py passes no environment of ours to it. Without a seed
    each build would draw one of its own, and with it the order of sets and the values of ``hash``. Format: the core
    specification's modules, and tool-conventions/DynamicLinking.md; every length here fits one byte.
    """
    memory, pointer, function, call = b"\x02\x00\x00", b"\x03\x7f\x00", b"\x00", b"\x10\x00"
    name, text = b"\x23\x00", b"\x23\x00\x41" + bytes([len(_HASH_SEED[0])]) + b"\x6a"
    constructor = b"\x00" + name + text + b"\x41\x01" + call + b"\x1a\x0b"
    data = b"".join(_HASH_SEED)
    needs = b"\x01" + _sized(bytes([len(data), 0, 0, 0])) + b"\x02" + _sized(_listed(_sized(b"libc.so")))
    sections = {
        0: _sized(b"dylink.0") + needs,
        1: _listed(b"\x60\x03\x7f\x7f\x7f\x01\x7f", b"\x60\x00\x00"),
        2: _listed(
            _sized(b"env") + _sized(b"memory") + memory,
            _sized(b"env") + _sized(b"__memory_base") + pointer,
            _sized(b"env") + _sized(b"setenv") + function + b"\x00",
        ),
        3: _listed(b"\x01"),
        7: _listed(_sized(b"__wasm_call_ctors") + function + b"\x01"),
        10: _listed(_sized(constructor)),
        11: _listed(b"\x00" + name + b"\x0b" + _sized(data)),
    }
    return b"\0asm\x01\0\0\0" + b"".join(bytes([number]) + _sized(body) for number, body in sections.items())


def _sized(content: bytes) -> bytes:
    return bytes([len(content)]) + content


def _listed(*items: bytes) -> bytes:
    return bytes([len(items)]) + b"".join(items)


if __name__ == "__main__":
    is_new = build_runtime()
    sys.stdout.write(f"{RUNTIME}: {'built' if is_new else 'up to date'}\n")
