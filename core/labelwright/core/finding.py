"""What a check found: one shape for everything that can be wrong with a bundle."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Severity(enum.Enum):
    """How bad a finding is: an error refuses the bundle, a warning does not."""

    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing that is wrong or doubtful, with its place and advice.

    ``code`` is stable and documented in docs/checks.md; ``line`` counts from 1, 0 means the file as a whole.
    """

    file: str
    line: int
    code: str
    message: str
    advice: str = ""
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.code} {self.message}"


def has_errors(findings: list[Finding]) -> bool:
    """Whether any of the findings refuses the bundle."""
    return any(finding.severity is Severity.ERROR for finding in findings)
