"""``python -m assay.worker`` runs the drift worker. Exit codes: 0 ended when asked, 2 a setting is not as needed."""

from __future__ import annotations

import sys

from assay.core.errors import AssayError
from assay.worker.process import serve
from assay.worker.settings import read_settings


def main() -> int:
    """Run until SIGTERM and return the exit code."""
    try:
        serve(read_settings())
    except AssayError as error:
        advice = f" ({error.advice})" if error.advice else ""
        sys.stderr.write(f"assay worker: {error.message}{advice}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
