"""``python -m labelwright.sandbox compile``: compiles the runtime ahead of time, for images and first starts."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from labelwright.core.errors import LabelwrightError
from labelwright.sandbox.sandbox import Sandbox


def main(arguments: list[str] | None = None) -> int:
    """Run the command. Return the exit code: 0, or 2 if the sandbox cannot run here."""
    parser = argparse.ArgumentParser(
        prog="python -m labelwright.sandbox", description="Prepare this machine's sandbox."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    compiling = commands.add_parser("compile", help="compile the runtime ahead of time into the cache")
    compiling.add_argument(
        "--cache-dir", type=Path, help="the cache folder (default: LABELWRIGHT_CACHE_DIR, else per user)"
    )
    options = parser.parse_args(arguments)
    started = time.monotonic()
    try:
        Sandbox(options.cache_dir).close()
    except LabelwrightError as error:
        sys.stderr.write(f"{error.message}\n{error.advice}\n")
        return 2
    sys.stdout.write(f"the sandbox is ready ({time.monotonic() - started:.1f} s)\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
