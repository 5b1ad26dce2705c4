"""How every server starts and ends: an error becomes one line on standard error and an exit code (docs/errors.md)."""

from __future__ import annotations

import enum
import sys
from collections.abc import Callable
from typing import TypeVar

from labelwright.core.errors import ConfigurationError, LabelwrightError
from labelwright.serving.background import use_deep_stacks
from labelwright.serving.logs import configure_logs, places_of
from labelwright.serving.settings import ServerSettings

_Settings = TypeVar("_Settings", bound=ServerSettings)


class ServerExit(enum.IntEnum):
    """How a server ended."""

    STOPPED = 0
    """It was asked to end, and did."""
    FAILED = 1
    """Something that it needs failed: the sandbox, the database, a worker process."""
    MISCONFIGURED = 2
    """A setting is wrong, or names what cannot be had: a taken port, a folder that cannot be written."""


def run_server(name: str, read_settings: Callable[[], _Settings], serve: Callable[[_Settings], object]) -> int:
    """Read the settings, serve until the server is asked to end, and return the exit code."""
    try:
        settings = read_settings()
        prepare_process(settings)
        serve(settings)
    except LabelwrightError as error:
        _complain(name, error.message, error.advice)
        return exit_of(error)
    except Exception as error:
        # Its text may quote a record or a password.
        places = ", ".join(places_of(error))
        _complain(name, f"ended by an unforeseen {type(error).__name__} in {places}", "please report it")
        return ServerExit.FAILED
    return ServerExit.STOPPED


def prepare_process(settings: ServerSettings, **bound: object) -> None:
    """Set up what belongs to the process and not to a part of it; ``bound`` stands on every log line."""
    configure_logs(settings.log_level.value, **bound)
    use_deep_stacks()


def exit_of(error: LabelwrightError) -> ServerExit:
    """Return the exit code of a server that this error ended."""
    return ServerExit.MISCONFIGURED if isinstance(error, ConfigurationError) else ServerExit.FAILED


def _complain(name: str, message: str, advice: str) -> None:
    sys.stderr.write(f"labelwright {name}: {message}" + (f" ({advice})" if advice else "") + "\n")
