"""``python -m labelwright.worker`` runs the drift worker. Exit codes: 0 ended when asked, 2 a setting is wrong."""

from __future__ import annotations

import sys

from labelwright.core.errors import LabelwrightError
from labelwright.worker.process import serve
from labelwright.worker.settings import read_settings


def main() -> int:
    """Run until SIGTERM and return the exit code."""
    try:
        serve(read_settings())
    except LabelwrightError as error:
        advice = f" ({error.advice})" if error.advice else ""
        sys.stderr.write(f"labelwright worker: {error.message}{advice}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
