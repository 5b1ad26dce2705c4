"""``python -m labelwright.worker`` runs the drift worker. Exit codes: labelwright.serving.main."""

from __future__ import annotations

import sys

from labelwright.serving.main import run_server
from labelwright.worker.settings import WorkerSettings


def main() -> int:
    """Run until SIGTERM or SIGINT and return the exit code."""
    return run_server("worker", WorkerSettings.read, _serve)


def _serve(settings: WorkerSettings) -> None:
    # Its imports take longer than all the rest; a wrong setting need not wait for them.
    from labelwright.worker.app import serve

    serve(settings)


if __name__ == "__main__":
    sys.exit(main())
