"""What an operator lets a version ask for, whatever its author wrote into ``[limits]`` of task.toml."""

from __future__ import annotations

from typing import NamedTuple

from labelwright.core.errors import AboveCaps
from labelwright.core.finding import Finding
from labelwright.core.task import TASK_FILE, Task, line_of


class Cap(NamedTuple):
    """The most that may be asked for, and the environment variable that says so."""

    most: int
    setting: str


class Caps(NamedTuple):
    """Caps over one program's limits, and over their sum for all programs of a version; MiB and milliseconds."""

    program_memory_mb: Cap
    program_time_ms: Cap
    version_memory_mb: Cap
    version_time_ms: Cap

    def findings(self, task: Task, programs: int) -> list[Finding]:
        """Return one finding for each cap that a version with so many programs is above."""
        asked = (
            (self.program_memory_mb, "memory_mb", task.limits.memory_mb, 1),
            (self.program_time_ms, "time_ms", task.limits.time_ms, 1),
            (self.version_memory_mb, "memory_mb", task.limits.memory_mb, programs),
            (self.version_time_ms, "time_ms", task.limits.time_ms, programs),
        )
        return [
            _finding(task, name, value, times, cap) for cap, name, value, times in asked if value * times > cap.most
        ]

    def require(self, task: Task, programs: int) -> None:
        """Raise AboveCaps where a version with so many programs is above a cap."""
        if findings := self.findings(task, programs):
            said = "; ".join(finding.message for finding in findings)
            raise AboveCaps(said, findings=findings, advice=findings[0].advice)


def _finding(task: Task, name: str, value: int, times: int, cap: Cap) -> Finding:
    asked = f"{value:,}" if times == 1 else f"{value:,} for each of {times} programs is {value * times:,}, which"
    said = f"limits.{name}: {asked} is above the {cap.most:,} that {cap.setting} allows"
    advice = f"lower limits.{name}, or ask the operator to raise {cap.setting}"
    return Finding(TASK_FILE, line_of(task.toml, ["limits", name]), "LW113", said, advice)
