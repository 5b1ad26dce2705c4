"""The servers' logs: one JSON object a line on standard error. Never a record, a program's message or a key."""

from __future__ import annotations

import logging
import sys
import traceback

import structlog

_PLACES = 4
"""Frames of an error that are logged: the innermost ones tell where it was raised."""


def configure_logs(level: str = "INFO", **bound: object) -> None:
    """Send structlog's and the standard library's lines through one renderer; ``bound`` stands on every line."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        lambda _logger, _method, event: {**bound, **event},
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())


def places_of(error: BaseException) -> list[str]:
    """Return where an error was raised, as ``function:line``, innermost last.

    For errors that nobody foresaw: their text may quote a record and must not be logged, and the place is what helps.
    """
    return [f"{frame.name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)][-_PLACES:]
