"""``python -m labelwright.registry [serve|migrate]`` runs the registry. Exit codes: labelwright.serving.main."""

from __future__ import annotations

import argparse
import sys

from labelwright.registry.app import migrate_only, serve
from labelwright.registry.settings import RegistrySettings
from labelwright.serving.main import run_server


def main() -> int:
    """Run the command and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m labelwright.registry",
        description="Labelwright's registry. Settings are read from the environment: docs/registry.md lists them.",
    )
    parser.add_argument(
        "command",
        nargs="?",
        choices=("serve", "migrate"),
        default="serve",
        help="serve: run the server, after migrating (default); migrate: bring the database up to date and end",
    )
    arguments = parser.parse_args()
    return run_server("registry", RegistrySettings.read, migrate_only if arguments.command == "migrate" else serve)


if __name__ == "__main__":
    sys.exit(main())
