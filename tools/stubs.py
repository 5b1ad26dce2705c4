"""Makes the Python stubs of the contract: ``python tools/stubs.py [FOLDER]``, by default in place."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
CONTRACT = ROOT / "proto"


def generate(out: Path) -> None:
    """Write the stubs of every contract file below ``out``. Raises CalledProcessError where one does not compile."""
    files = sorted(CONTRACT.glob("labelwright/v1/*.proto"))
    scripts = Path(sys.executable).parent
    subprocess.run(  # noqa: S603 - our own interpreter and files
        [
            sys.executable,
            *("-m", "grpc_tools.protoc", f"-I{CONTRACT}"),
            *(f"--python_out={out}", f"--mypy_out=quiet:{out}"),
            *(f"--grpc_python_out={out}", f"--mypy_grpc_out=quiet:{out}"),
            *map(str, files),
        ],
        check=True,
        env={**os.environ, "PATH": f"{scripts}{os.pathsep}{os.environ.get('PATH', '')}"},
    )
    for file in files:
        if "\nservice " not in file.read_text(encoding="utf-8"):
            _remove_empty_service_stubs(out / file.relative_to(CONTRACT))


def _remove_empty_service_stubs(proto: Path) -> None:
    for suffix in ("_pb2_grpc.py", "_pb2_grpc.pyi"):
        proto.with_name(proto.stem + suffix).unlink(missing_ok=True)


if __name__ == "__main__":
    generate(Path(sys.argv[1]) if len(sys.argv) > 1 else CONTRACT)
