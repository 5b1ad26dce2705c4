"""The worker as a process: logs, threads, and the wiring only then: its imports are the dear part."""

from __future__ import annotations

import logging
import threading

from labelwright.serving.logs import configure_logs
from labelwright.worker.settings import Settings

_STACK_BYTES = 8 << 20
"""What WebAssembly code needs, whatever the system's default for threads."""


def serve(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT. Raises ConfigurationError where the worker cannot start."""
    configure_logs(settings.log_level)
    # At INFO it logs every request to Prometheus.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    threading.stack_size(_STACK_BYTES)
    from labelwright.worker.app import run

    run(settings)
