"""``python -m labelwright.service`` runs the label service. Exit codes: 0 drained, 1 failed, 2 bad configuration."""

from __future__ import annotations

import sys

from labelwright.core.errors import ConfigurationError, LabelwrightError
from labelwright.service.processes import process, supervisor
from labelwright.service.settings import read_settings
from labelwright.serving.logs import configure_logs


def main() -> int:
    """Run until SIGTERM and return the exit code."""
    try:
        settings = read_settings()
        configure_logs(settings.log_level.value)
        return process.run(settings) if settings.workers == 1 else supervisor.run(settings)
    except LabelwrightError as error:
        advice = f" ({error.advice})" if error.advice else ""
        sys.stderr.write(f"labelwright service: {error.message}{advice}\n")
        return 2 if isinstance(error, ConfigurationError) else 1


if __name__ == "__main__":
    sys.exit(main())
