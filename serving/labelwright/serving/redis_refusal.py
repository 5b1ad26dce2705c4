"""What a Redis refuses its user, from an error that must not be logged: it may quote a command with its records."""

from __future__ import annotations

import re

from redis.exceptions import ExecAbortError, NoPermissionError, ResponseError

_ANNOTATION_END = "caused error: "
"""In an error of a pipeline: before it stands the command with its arguments, behind it what Redis said."""


def refusal_of(error: BaseException) -> str:
    """Return what the user's rights do not allow, "the command MULTI" or "a key"; empty for any other error."""
    said = str(error).rpartition(_ANNOTATION_END)[2]
    if isinstance(error, ResponseError) and said == "EXEC without MULTI":
        return "the command MULTI"  # redis-py raises the answer to EXEC
    if not isinstance(error, (NoPermissionError, ExecAbortError)):
        return ""
    command = re.search(r"run the '([\w|-]{1,40})' command", said)
    if command is None:
        return "a key" if isinstance(error, NoPermissionError) else ""
    return f"the command {command[1].upper()}"


def loggable(error: BaseException) -> dict[str, str]:
    """Return what a log may say of the error: its type, and what was refused, if anything."""
    refused = refusal_of(error)
    return {"error": type(error).__name__} | ({"refused": refused} if refused else {})
