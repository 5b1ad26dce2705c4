"""``python -m assay.worker`` runs the drift worker. Exit codes: 0 ended when asked, 2 a setting is not as needed."""

from __future__ import annotations

import logging
import sys
import threading

from assay.core.errors import AssayError
from assay.core.server_log import configure_logs
from assay.worker.settings import read_settings

_STACK_BYTES = 8 << 20
"""What WebAssembly code needs, whatever the system's default for threads."""


def main() -> int:
    """Run until SIGTERM and return the exit code."""
    try:
        settings = read_settings()
        configure_logs(settings.log_level)
        logging.getLogger("httpx").setLevel(logging.WARNING)
        threading.stack_size(_STACK_BYTES)
        from assay.worker.app import run

        run(settings)
    except AssayError as error:
        advice = f" ({error.advice})" if error.advice else ""
        sys.stderr.write(f"assay worker: {error.message}{advice}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
