"""``python -m labelwright.service`` runs the label service. Exit codes: labelwright.serving.main."""

from __future__ import annotations

import sys

from labelwright.service.processes import process, supervisor
from labelwright.service.settings import ServiceSettings
from labelwright.serving.main import run_server


def main() -> int:
    """Run until SIGTERM or SIGINT and return the exit code."""
    return run_server("service", ServiceSettings.read, _serve)


def _serve(settings: ServiceSettings) -> None:
    if settings.workers == 1:
        process.serve(settings)
    else:
        supervisor.serve(settings)


if __name__ == "__main__":
    sys.exit(main())
