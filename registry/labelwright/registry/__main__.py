"""``python -m labelwright.registry [serve|migrate]``. Exit codes: 0 done, 2 a setting or the machine is wrong."""

from __future__ import annotations

import argparse
import logging
import os
import sys

from labelwright.core.errors import LabelwrightError
from labelwright.registry.settings import read_settings
from labelwright.serving.logs import configure_logs


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
    configure_logs()
    logging.getLogger("alembic").setLevel(logging.WARNING)
    # A taken port is told in one line of our own; gRPC's core would add its own lines. It reads this when imported.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    from labelwright.registry.app import migrate_only, serve

    try:
        settings = read_settings()
        if arguments.command == "migrate":
            migrate_only(settings)
        else:
            serve(settings)
    except LabelwrightError as error:
        advice = f" ({error.advice})" if error.advice else ""
        sys.stderr.write(f"error: {error.message}{advice}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
