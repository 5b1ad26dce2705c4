"""Every error that Labelwright raises on purpose.

One root, so that each process maps errors in one place: to gRPC status codes in the servers, to exit codes in the
command. The message is for people; ``reason`` is for programs that react to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from labelwright.core.finding import Finding


class LabelwrightError(Exception):
    """The root. Subclasses set the name of the gRPC status and the reason that the contract carries."""

    status: ClassVar[str] = "INTERNAL"
    reason: ClassVar[str] = "INTERNAL"

    def __init__(self, message: str, *, advice: str = "", **metadata: object) -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice
        self.metadata: Mapping[str, str] = {name: str(value) for name, value in metadata.items()}


class InvalidRecord(LabelwrightError):
    """A record does not fit its task: an unknown or missing field, a wrong type, too large."""

    status = "INVALID_ARGUMENT"
    reason = "INVALID_RECORD"


class RecordTooLarge(InvalidRecord):
    """A record is larger than the task's limit."""

    reason = "RECORD_TOO_LARGE"


class InvalidRequest(LabelwrightError):
    """A request is wrong in itself, whatever the state of the server."""

    status = "INVALID_ARGUMENT"
    reason = "INVALID_REQUEST"


class InvalidBundle(LabelwrightError):
    """A bundle was refused; the findings say why."""

    status = "INVALID_ARGUMENT"
    reason = "INVALID_BUNDLE"

    def __init__(self, message: str, *, findings: Sequence[Finding] = (), advice: str = "", **metadata: object) -> None:
        super().__init__(message, advice=advice, **metadata)
        self.findings = tuple(findings)


class AboveCaps(InvalidBundle):
    """A version asks for more than the operator lets it have; the message names the cap."""

    status = "FAILED_PRECONDITION"
    reason = "ABOVE_CAPS"


class NotFound(LabelwrightError):
    """The request names something that does not exist."""

    status = "NOT_FOUND"
    reason = "NOT_FOUND"


class TaskNotFound(NotFound):
    """No such task."""

    reason = "TASK_NOT_FOUND"


class VersionNotFound(NotFound):
    """No such version of the task."""

    reason = "VERSION_NOT_FOUND"


class AliasNotFound(NotFound):
    """No such alias of the task."""

    reason = "ALIAS_NOT_FOUND"


class RunNotFound(NotFound):
    """No such refresh run."""

    reason = "RUN_NOT_FOUND"


class RunFileNotFound(NotFound):
    """The refresh run keeps no such file."""

    reason = "RUN_FILE_NOT_FOUND"


class LeaseLost(LabelwrightError):
    """The caller does not hold the refresh run's lease; another worker may."""

    status = "ABORTED"
    reason = "LEASE_LOST"


class RunStateMismatch(LabelwrightError):
    """The refresh run's state does not allow the request."""

    status = "FAILED_PRECONDITION"
    reason = "RUN_STATE_MISMATCH"


class GateFailed(LabelwrightError):
    """A version may not become production: a gate does not hold."""

    status = "FAILED_PRECONDITION"
    reason = "GATE_FAILED"


class AliasMoved(LabelwrightError):
    """An alias no longer names the version that the caller expected."""

    status = "ABORTED"
    reason = "ALIAS_MOVED"


class NothingToRollBack(LabelwrightError):
    """An alias has no earlier version to go back to."""

    status = "FAILED_PRECONDITION"
    reason = "NOTHING_TO_ROLL_BACK"


class CorruptArtifact(LabelwrightError):
    """Stored content does not match its digest; it is never served."""

    status = "DATA_LOSS"
    reason = "CORRUPT_ARTIFACT"


class StorageFull(LabelwrightError):
    """There is no space left to store what was sent."""

    status = "RESOURCE_EXHAUSTED"
    reason = "STORAGE_FULL"


class Overloaded(LabelwrightError):
    """The server has more requests than it can take; the caller should come back later."""

    status = "RESOURCE_EXHAUSTED"
    reason = "OVERLOADED"

    def __init__(self, message: str, *, retry_after: float, advice: str = "", **metadata: object) -> None:
        """``retry_after`` is in seconds."""
        super().__init__(message, advice=advice, **metadata)
        self.retry_after = retry_after


class DeadlineExceeded(LabelwrightError):
    """The caller's deadline passed before the answer was ready."""

    status = "DEADLINE_EXCEEDED"
    reason = "DEADLINE_EXCEEDED"


class Unavailable(LabelwrightError):
    """Something that the answer depends on cannot be reached or is not ready."""

    status = "UNAVAILABLE"
    reason = "UNAVAILABLE"


class SandboxUnavailable(LabelwrightError):
    """The sandbox cannot run on this machine: its runtime is missing, damaged or cannot be compiled."""

    status = "FAILED_PRECONDITION"
    reason = "SANDBOX_UNAVAILABLE"


class Unauthenticated(LabelwrightError):
    """The caller does not show who it is: no token, or one that is unknown, expired or revoked."""

    status = "UNAUTHENTICATED"
    reason = "UNAUTHENTICATED"


class PermissionDenied(LabelwrightError):
    """The caller is known, but may not do this."""

    status = "PERMISSION_DENIED"
    reason = "PERMISSION_DENIED"


class ConfigurationError(LabelwrightError):
    """A setting or an argument of the command is wrong."""

    status = "FAILED_PRECONDITION"
    reason = "CONFIGURATION"
