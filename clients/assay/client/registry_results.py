"""What the registry answers, as plain frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from assay.core.bundle import Bundle
from assay.core.finding import Finding, Severity


@dataclass(frozen=True, slots=True)
class Version:
    """An accepted bundle. ``aliases`` are those that named it when the registry answered."""

    task: str
    number: int
    digest: str
    created_at: datetime
    author: str
    message: str
    programs: tuple[str, ...]
    labels: tuple[str, ...]
    aliases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Alias:
    """A movable name for a version, and the registry's revision at which it moved there."""

    task: str
    name: str
    version: int
    digest: str
    revision: int


@dataclass(frozen=True, slots=True)
class TaskEntry:
    """A task as the registry knows it."""

    name: str
    latest: Version | None
    aliases: tuple[Alias, ...]


@dataclass(frozen=True, slots=True)
class AliasChange:
    """One move of an alias: ``from_version`` is 0 where there was none, ``to_version`` where it was removed."""

    revision: int
    task: str
    alias: str
    from_version: int
    to_version: int
    changed_at: datetime
    actor: str
    reason: str
    overridden: bool


@dataclass(frozen=True, slots=True)
class LabelFigures:
    """Figures of one label on the gold rows, each a share of 1."""

    label: str
    rows: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True)
class ProgramFigures:
    """Figures of one program on the gold rows; ``description`` is its docstring."""

    program: str
    coverage: float
    accuracy: float
    errors: int
    description: str


@dataclass(frozen=True, slots=True)
class GoldFigures:
    """Figures on the gold rows, each a share of 1."""

    rows: int
    accuracy: float
    coverage: float
    covered_accuracy: float
    macro_f1: float
    majority_accuracy: float
    labels: tuple[LabelFigures, ...]
    programs: tuple[ProgramFigures, ...]


@dataclass(frozen=True, slots=True)
class Reference:
    """What drift is measured against, each a share of 1."""

    rows: int
    label_shares: Mapping[str, float]
    coverage: float
    conflict: float
    error: float


@dataclass(frozen=True, slots=True)
class Gate:
    """Whether one gate holds: ``measured`` against ``required``."""

    name: str
    passed: bool
    measured: float
    required: float
    message: str


@dataclass(frozen=True, slots=True)
class Report:
    """What acceptance found out about a bundle."""

    findings: tuple[Finding, ...] = ()
    gold: GoldFigures | None = None
    reference: Reference | None = None
    gates: tuple[Gate, ...] = ()

    @property
    def refused(self) -> bool:
        """Whether a finding refuses the bundle."""
        return any(finding.severity is Severity.ERROR for finding in self.findings)

    @property
    def gates_hold(self) -> bool:
        """Whether the version may become production."""
        return all(gate.passed for gate in self.gates)


@dataclass(frozen=True, slots=True)
class PushResult:
    """What became of a push. ``version`` is None where the bundle was refused or only validated."""

    version: Version | None
    report: Report
    created: bool


@dataclass(frozen=True, slots=True)
class AliasMove:
    """An alias after a move; ``changed`` is False where it named the version already."""

    alias: Alias
    changed: bool = True
    from_version: int | None = None
    gates: tuple[Gate, ...] = ()


@dataclass(frozen=True, slots=True)
class Download:
    """A version and its bundle, checked against the digest."""

    version: Version
    bundle: Bundle
    reference: Reference | None


@dataclass(frozen=True, slots=True)
class AliasState:
    """A message of a watch: all aliases where ``full``, else those that moved and those that were removed."""

    revision: int
    full: bool
    aliases: tuple[Alias, ...] = ()
    removed: tuple[Alias, ...] = field(default=())
