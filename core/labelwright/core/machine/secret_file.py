"""Secrets that stand in files, so that they need not stand in the environment."""

from __future__ import annotations

import os
from pathlib import Path

from labelwright.core.errors import ConfigurationError


def read_secret_file(variable: str) -> str | None:
    """Return the text of the file that ``<variable>_FILE`` names, None where that is not set.

    Raises ConfigurationError. See https://docs.docker.com/compose/how-tos/use-secrets/ .
    """
    path = os.environ.get(f"{variable}_FILE")
    if not path:
        return None
    if os.environ.get(variable):
        raise ConfigurationError(f"{variable} and {variable}_FILE are both set", advice="set one of them")
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise ConfigurationError(f"{variable}_FILE: {path} cannot be read: {reason}") from None
