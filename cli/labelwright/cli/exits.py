"""Exit codes: what a script may rely on. docs/cli.md has the same table; a test compares the two."""

from __future__ import annotations

import enum

from labelwright.core.errors import (
    ConfigurationError,
    DeadlineExceeded,
    GateFailed,
    InvalidBundle,
    InvalidRecord,
    InvalidRequest,
    LabelwrightError,
    NotFound,
    NothingToRollBack,
    Overloaded,
    PermissionDenied,
    RunStateMismatch,
    Unauthenticated,
    Unavailable,
)


class ExitCode(enum.IntEnum):
    """How a command ended."""

    OK = 0
    NO = 1
    USAGE = 2
    UNREACHABLE = 3
    NOT_FOUND = 4
    FAILED = 5
    NO_BETTER = 6
    NOT_ALLOWED = 7
    INTERRUPTED = 130


MEANINGS: dict[ExitCode, str] = {
    ExitCode.OK: "done",
    ExitCode.NO: "the answer is no: a gate failed, a bundle was refused, a record got no label, a run was rejected",
    ExitCode.USAGE: "the command was used wrongly: an option, a file, a record, a busy port",
    ExitCode.UNREACHABLE: "a server cannot be reached, is too busy, or did not answer in time",
    ExitCode.NOT_FOUND: "no such task, version, alias or run",
    ExitCode.FAILED: "something failed: a server, a disk, the sandbox; the message says what",
    ExitCode.NO_BETTER: "a version was made that is no better than always saying the commonest label",
    ExitCode.NOT_ALLOWED: "the server does not know who you are, or you may not do this",
    ExitCode.INTERRUPTED: "interrupted by Ctrl-C",
}

_CODES: tuple[tuple[type[LabelwrightError], ExitCode], ...] = (
    (GateFailed, ExitCode.NO),
    (InvalidBundle, ExitCode.NO),
    (NothingToRollBack, ExitCode.NO),
    (RunStateMismatch, ExitCode.NO),
    (InvalidRecord, ExitCode.USAGE),
    (InvalidRequest, ExitCode.USAGE),
    (ConfigurationError, ExitCode.USAGE),
    (Unavailable, ExitCode.UNREACHABLE),
    (DeadlineExceeded, ExitCode.UNREACHABLE),
    (Overloaded, ExitCode.UNREACHABLE),
    (NotFound, ExitCode.NOT_FOUND),
    (Unauthenticated, ExitCode.NOT_ALLOWED),
    (PermissionDenied, ExitCode.NOT_ALLOWED),
)


def exit_code(error: LabelwrightError) -> ExitCode:
    """Return the code that a command ends with after ``error``."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), ExitCode.FAILED)
