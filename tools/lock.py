"""Makes the lock files anew from pyproject.toml: ``python tools/lock.py [--upgrade]``.

``requirements.lock`` holds what the server runs on and is built with, ``requirements-dev.lock`` all that and what the
tests need. Both are valid for every supported Python and system, name the hash of every file, and name no index: which
one serves the files is for whoever installs them to say.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
RUNTIME_LOCK = "requirements.lock"
DEVELOPMENT_LOCK = "requirements-dev.lock"


def compile_locks(options: list[str]) -> None:
    """Write both lock files. Raises CalledProcessError where the requirements cannot be met."""
    _compile(RUNTIME_LOCK, ["--extra", "server", "--group", "build", *options])
    _compile(
        DEVELOPMENT_LOCK,
        ["--all-extras", "--group", "build", "--group", "dev", "--constraint", RUNTIME_LOCK, *options],
    )


def _compile(target: str, options: list[str]) -> None:
    subprocess.run(  # noqa: S603 - our own interpreter and files
        [
            *(sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11"),
            *("--generate-hashes", "--no-emit-index-url", "--no-emit-find-links", "--no-header"),
            *("pyproject.toml", *options, "--output-file", target),
        ],
        cwd=ROOT,
        check=True,
    )


if __name__ == "__main__":
    compile_locks(sys.argv[1:])
