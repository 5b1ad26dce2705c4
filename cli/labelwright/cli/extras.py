"""Parts that a small installation lacks: loaded when a command needs them, and named if they are missing."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import TYPE_CHECKING

from labelwright.core.errors import ConfigurationError

if TYPE_CHECKING:
    from labelwright.sandbox import Sandbox


def require(module: str, extra: str, purpose: str) -> ModuleType:
    """Return the module. Raises ConfigurationError that names the extra to install."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ConfigurationError(
            f"{purpose} needs a part that is not installed ({error.name or module})",
            advice=f"pip install 'labelwright[{extra}]'",
        ) from error


def open_sandbox(purpose: str) -> Sandbox:
    """Return this machine's sandbox. Raises ConfigurationError, SandboxUnavailable."""
    require("labelwright.sandbox", "sandbox", purpose)
    from labelwright.sandbox import Sandbox

    return Sandbox()
